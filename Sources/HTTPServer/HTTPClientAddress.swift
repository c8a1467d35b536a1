import CMicrohttpd
import Foundation

/// The address that a request came from, without its port; an IPv4 address in its IPv6 form (RFC 4291, 2.5.5.2).
public struct HTTPClientAddress: Hashable, Sendable {
    /// In network order, as they lie in an IPv6 address.
    private let high: UInt64
    private let low: UInt64

    public init() {
        high = 0
        low = 0
    }

    init(_ address: UnsafePointer<sockaddr>?) {
        var bytes = in6_addr()
        switch address.map({ Int32($0.pointee.sa_family) }) {
        case AF_INET:
            let ipv4 = UnsafeRawPointer(address)?.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr ?? 0
            withUnsafeMutableBytes(of: &bytes) { buffer in
                buffer[10] = 0xff
                buffer[11] = 0xff
                buffer.storeBytes(of: ipv4, toByteOffset: 12, as: UInt32.self)
            }
        case AF_INET6:
            bytes = UnsafeRawPointer(address)?.loadUnaligned(as: sockaddr_in6.self).sin6_addr ?? bytes
        default: break
        }
        (high, low) = withUnsafeBytes(of: bytes) { buffer in
            (
                buffer.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                buffer.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
    }
}

extension HTTPClientAddress: CustomStringConvertible {
    /// `::ffff:127.0.0.1`
    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        withUnsafeBytes(of: (high, low)) { _ = inet_ntop(AF_INET6, $0.baseAddress, &text, socklen_t(text.count)) }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
