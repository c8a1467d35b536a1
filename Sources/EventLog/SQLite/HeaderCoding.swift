/// Headers as one blob: for each, the name's and the value's length (four bytes, little-endian), then name and value.
enum HeaderCoding {
    /// - Returns: nil where there are none.
    static func encode(_ headers: [Header]) -> [UInt8]? {
        guard !headers.isEmpty else { return nil }
        var bytes: [UInt8] = []
        for header in headers {
            let name = Array(header.name.utf8)
            for count in [name.count, header.value.count] {
                withUnsafeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian) { bytes.append(contentsOf: $0) }
            }
            bytes += name
            bytes += header.value
        }
        return bytes
    }

    static func decode(_ bytes: UnsafeRawBufferPointer?) throws(Fault) -> [Header] {
        guard let bytes else { return [] }
        var headers: [Header] = []
        var index = 0
        while index < bytes.count {
            guard index + 8 <= bytes.count else { throw damaged }
            let nameCount = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)))
            let valueCount = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index + 4, as: UInt32.self)))
            index += 8
            guard nameCount + valueCount <= bytes.count - index else { throw damaged }
            let name = String(decoding: bytes[index..<index + nameCount], as: UTF8.self)
            index += nameCount
            headers.append(Header(name: name, value: Array(bytes[index..<index + valueCount])))
            index += valueCount
        }
        return headers
    }

    private static var damaged: Fault { Fault(.corrupt, "a message's headers are damaged. \(Fault.advice)") }
}
