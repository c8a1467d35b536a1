import COpenSSL

/// SHA-256, computed by OpenSSL as the bytes come.
public struct SHA256: ~Copyable {
    private let context: OpaquePointer?
    /// Whether every call has succeeded; OpenSSL fails only for want of memory or of the algorithm itself.
    private var isSound: Bool

    public init() {
        context = EVP_MD_CTX_new()
        isSound = context != nil && EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    }

    deinit { EVP_MD_CTX_free(context) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        isSound = isSound && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
    }

    /// The digest of everything that came, as 64 lower-case hexadecimal digits.
    public consuming func finish() -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        isSound = isSound && EVP_DigestFinal_ex(context, &digest, nil) == 1
        // A digest that could not be computed must match nothing, and certainly not another that could not.
        precondition(isSound, "OpenSSL cannot compute SHA-256")
        return Self.hexadecimal(digest)
    }

    /// The digest of `bytes`, as 64 lower-case hexadecimal digits.
    public static func hexadecimal(of bytes: [UInt8]) -> String {
        var digest = SHA256()
        bytes.withUnsafeBytes { digest.update($0) }
        return digest.finish()
    }

    private static func hexadecimal(_ digest: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let text = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
