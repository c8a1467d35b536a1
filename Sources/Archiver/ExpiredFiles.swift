import Lake
import Warehouse

/// The compacted files from which a catalog that is made anew reads objects that have expired.
///
/// A file counts where it is whole, no other has one of its objects, and each of them is announced: else its objects
/// are read by themselves.
struct ExpiredFiles {
    private var files: [String: CompactedFile] = [:]
    private var fileOfObject: [String: String] = [:]
    private var announced: [String: [Announcement]] = [:]

    mutating func add(_ file: CompactedFile) {
        guard files[file.key] == nil, file.inputs.allSatisfy({ fileOfObject[$0] == nil }) else { return }
        files[file.key] = file
        for key in file.inputs { fileOfObject[key] = file.key }
    }

    /// - Returns: whether a file may hold the object's rows, which ``next()`` tells once all is announced.
    mutating func hold(_ announcement: Announcement) -> Bool {
        guard let file = fileOfObject[announcement.key] else { return false }
        announced[file, default: []].append(announcement)
        return true
    }

    /// The next file's objects that are announced, and the file; nil instead of that where the objects are to be read by
    /// themselves.
    mutating func next() -> (objects: [Announcement], file: CompactedFile?)? {
        guard let (key, objects) = announced.popFirst(), let file = files[key] else { return nil }
        let isWhole =
            objects.map(\.key).sorted() == file.inputs && objects.map(\.rows).reduce(0, +) == file.rows
            && objects.allSatisfy { $0.dataset == file.dataset }
        return (objects, isWhole ? file : nil)
    }
}
