import Foundation
import Testing

@testable import EventLog

struct LogFolderTests {
    /// The folders that were synced.
    private func make(_ path: String) throws(Fault) -> [String] {
        var synced: [String] = []
        try makeFolder(path) { synced.append($0) }
        return synced
    }

    @Test
    func `each folder that is made is made durable in its parent`() throws {
        let top = try Scratch()
        let root = top.folder.path
        #expect(try make(root + "/data/deep/log") == [root, root + "/data", root + "/data/deep"])
        var isFolder: ObjCBool = false
        #expect(FileManager.default.fileExists(atPath: root + "/data/deep/log", isDirectory: &isFolder))
        #expect(isFolder.boolValue)
        // Whoever made it may have died before it had synced.
        #expect(try make(root + "/data/deep/log") == [root + "/data/deep"])
    }

    @Test
    func `a file in the way is named`() throws {
        let scratch = try Scratch()
        try Data().write(to: scratch.folder.appending(path: "data"))
        let fault = #expect(throws: Fault.self) { try make(scratch.folder.path + "/data/log") }
        #expect(fault?.kind == .cannotWrite)
        #expect(fault?.cause.contains(scratch.folder.path + "/data") == true)
    }

    @Test
    func `a folder that cannot be made durable is no folder for a log`() throws {
        let scratch = try Scratch()
        #expect(throws: Fault.self) {
            try makeFolder(scratch.folder.path + "/log") { _ throws(Fault) in throw Fault(.cannotWrite, "full") }
        }
    }
}
