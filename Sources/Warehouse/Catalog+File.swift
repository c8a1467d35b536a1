import Foundation

extension Catalog {
    static let whatToDo = "make it again with `pregao catalog rebuild`"

    /// Checks that there is a catalog's file before the engine is started on it: DuckLake would make a new one.
    func checkFile(_ path: String? = nil) throws(CatalogError) {
        let path = path ?? metadataPath
        guard let head = try firstBytes(of: path), !head.isEmpty else {
            throw CatalogError(.unavailable, doing: "open the catalog \(path)", cause: "there is none; start `pregao`")
        }
        // "SQLite format 3" and a NUL start every SQLite database (https://sqlite.org/fileformat.html).
        guard head == Array("SQLite format 3\0".utf8) else {
            throw CatalogError(
                .corrupt, doing: "open the catalog \(path)", cause: "not a SQLite database; \(Self.whatToDo)")
        }
    }

    /// - Returns: nil where there is no such file.
    func firstBytes(of path: String) throws(CatalogError) -> [UInt8]? {
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw CatalogError(
                .unavailable, doing: "open the catalog \(path)", cause: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        return [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            count = max(0, Foundation.read(descriptor, buffer.baseAddress, 16))
        }
    }
}
