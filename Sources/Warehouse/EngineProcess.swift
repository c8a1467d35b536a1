import Foundation
import Synchronization

/// One running program, its three standard streams in our hands. Blocks its caller: use it on a thread of its own.
///
/// Dropping it ends the program and waits for its end, so that no child is left behind.
struct EngineProcess: ~Copyable {
    let id: pid_t
    /// Sockets rather than pipes: writing to a program that has died can give EPIPE without a signal.
    private var input: Int32
    private let output: Int32
    private let errors: Int32
    private var unread: [UInt8] = []
    private var diagnosticBytes: [UInt8] = []
    private var exitStatus: Int32?
    private let handle: ProcessHandle

    /// - Parameters:
    ///   - environment: what the program has in its environment beside ours.
    ///   - handle: learns of the process for as long as it lives.
    ///   - inherited: a descriptor that the child is to hold open for as long as it lives.
    init(
        executable: String, arguments: [String], environment: [String: String] = [:], handle: ProcessHandle,
        inheriting inherited: Int32? = nil
    ) throws(CatalogError) {
        var inputs: [Int32] = [-1, -1]
        var outputs: [Int32] = [-1, -1]
        var diagnostics: [Int32] = [-1, -1]
        // Close-on-exec from the start: a child that kept the end of another child's input open would keep that one
        // from ever seeing its end.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &inputs) == 0, socketpair(AF_UNIX, kind, 0, &outputs) == 0,
            socketpair(AF_UNIX, kind, 0, &diagnostics) == 0
        else {
            let cause = String(cString: strerror(errno))
            for descriptor in inputs + outputs + diagnostics where descriptor >= 0 { close(descriptor) }
            throw CatalogError(.unavailable, doing: "start \(executable)", cause: cause)
        }
        let spawned = Self.spawn(
            executable, arguments, environment: environment, input: inputs[1], output: outputs[1],
            errors: diagnostics[1],
            inherited: inherited)
        for descriptor in [inputs[1], outputs[1], diagnostics[1]] { close(descriptor) }
        guard case .success(let id) = spawned else {
            for descriptor in [inputs[0], outputs[0], diagnostics[0]] { close(descriptor) }
            var cause = ""
            if case .failure(let code) = spawned { cause = String(cString: strerror(code.rawValue)) }
            throw CatalogError(.unavailable, doing: "start \(executable)", cause: cause)
        }
        self.id = id
        self.handle = handle
        input = inputs[0]
        output = outputs[0]
        errors = diagnostics[0]
        for descriptor in [input, output, errors] {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
        handle.watch(id)
    }

    deinit {
        if exitStatus == nil {
            kill(id, SIGKILL)
            _ = Self.wait(for: id, forgottenBy: handle)
        }
        for descriptor in [input, output, errors] where descriptor >= 0 { close(descriptor) }
    }

    /// What the program said on standard error so far.
    var diagnostics: String { String(decoding: diagnosticBytes, as: UTF8.self) }

    /// Sends `text` and hands over each line of output, without its newline, until `onLine` returns true.
    ///
    /// - Returns: false where the output ended first.
    mutating func exchange(
        _ text: String, closingInput: Bool = false, onLine: (ArraySlice<UInt8>) throws(CatalogError) -> Bool
    ) throws(CatalogError) -> Bool {
        let bytes = Array(text.utf8)
        var sent = 0
        var isOutputOpen = true
        var areErrorsOpen = true
        while true {
            if try takeLines(onLine) { return true }
            if sent == bytes.count, closingInput { closeInput() }
            guard isOutputOpen || areErrorsOpen else { return false }
            var polled = [
                pollfd(fd: sent < bytes.count ? input : -1, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: isOutputOpen ? output : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: areErrorsOpen ? errors : -1, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&polled, 3, -1) >= 0 || errno == EINTR else { return false }
            if polled[0].revents != 0 { sent += write(bytes[sent...]) ?? (bytes.count - sent) }
            if polled[1].revents != 0 { isOutputOpen = Self.read(output, into: &unread) }
            if polled[2].revents != 0 { areErrorsOpen = Self.read(errors, into: &diagnosticBytes) }
        }
    }

    /// Lets the program see the end of its input.
    mutating func closeInput() {
        guard input >= 0 else { return }
        close(input)
        input = -1
    }

    /// Waits for the program's end.
    ///
    /// - Returns: the exit code, or minus the number of the signal that ended it.
    mutating func finish() -> Int32 {
        closeInput()
        if let exitStatus { return exitStatus }
        let status = Self.wait(for: id, forgottenBy: handle)
        exitStatus = status
        return status
    }

    private mutating func takeLines(_ onLine: (ArraySlice<UInt8>) throws(CatalogError) -> Bool) throws(CatalogError)
        -> Bool
    {
        var start = 0
        defer { unread.removeFirst(start) }
        while let newline = unread[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = unread[start..<newline]
            start = newline + 1
            if try onLine(line) { return true }
        }
        return false
    }

    /// - Returns: nil where the program no longer reads.
    private func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        let count = bytes.withUnsafeBytes { send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    /// - Returns: false at the stream's end.
    private static func read(_ descriptor: Int32, into buffer: inout [UInt8]) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { space in
            let count = Foundation.read(descriptor, space.baseAddress, space.count)
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            buffer.append(contentsOf: space[..<count])
            return count > 0
        }
    }
}
