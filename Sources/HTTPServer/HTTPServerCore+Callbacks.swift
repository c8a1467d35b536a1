import CMicrohttpd

extension HTTPServerCore {
    /// The core is retained for as long as the library may call, until ``releaseCallbacks()``.
    func callbacks() -> pregao_http_callbacks {
        pregao_http_callbacks(
            access: { owner, connection, path, method, _, upload, uploadSize, context in
                guard let core = HTTPServerCore.of(owner), let connection, let path, let method, let uploadSize,
                    let request = RequestUnderWay.of(context?.pointee)
                else { return .NO }
                let received = UnsafeRawBufferPointer(start: upload, count: uploadSize.pointee)
                uploadSize.pointee = 0
                return core.access(connection, request, path: path, method: method, received: received)
            },
            target: { owner, target, _ in
                guard let core = HTTPServerCore.of(owner) else { return nil }
                core.requestBegan()
                return Unmanaged.passRetained(RequestUnderWay(target: String(cString: target))).toOpaque()
            },
            completed: { owner, _, context, _ in
                guard let core = HTTPServerCore.of(owner), let pointer = context?.pointee else { return }
                Unmanaged<RequestUnderWay>.fromOpaque(pointer).release()
                context?.pointee = nil
                core.requestEnded()
            },
            owner: Unmanaged.passRetained(self).toOpaque())
    }

    func releaseCallbacks() { Unmanaged.passUnretained(self).release() }

    private static func of(_ owner: UnsafeMutableRawPointer?) -> HTTPServerCore? {
        owner.map { Unmanaged<HTTPServerCore>.fromOpaque($0).takeUnretainedValue() }
    }

    /// The library calls it when the headers are there, for each part of the body, at the request's end, and again
    /// after a suspended connection is resumed.
    private func access(
        _ connection: OpaquePointer, _ request: RequestUnderWay, path: UnsafePointer<CChar>,
        method: UnsafePointer<CChar>, received: UnsafeRawBufferPointer
    ) -> MHD_Result {
        switch request.step(received, maximumBodyBytes: maximumBodyBytes) {
        case .goOn: return .YES
        case .ask(let body):
            let asked = HTTPRequest(
                method: String(cString: method), target: request.target, path: String(cString: path),
                query: fields(of: connection, .GET_ARGUMENT_KIND, ignoringCase: false),
                headers: fields(of: connection, .HEADER_KIND, ignoringCase: true), body: body,
                client: HTTPClientAddress(pregao_http_client(connection)))
            return perform(handler(asked), connection, request)
        case .perform(let answer): return perform(answer, connection, request)
        }
    }

    private func perform(_ answer: HTTPAnswer, _ connection: OpaquePointer, _ request: RequestUnderWay) -> MHD_Result {
        switch answer {
        case .now(let response): return send(response, connection)
        case .close: return .NO
        case .later(let work):
            let isSuspended = suspend(connection) {
                request.settle(.close)
            } work: { suspension in
                let answer = await work()
                suspension.resume { request.settle(answer) }
            }
            return isSuspended ? .YES : .NO
        }
    }

    private func send(_ response: HTTPResponse, _ connection: OpaquePointer) -> MHD_Result {
        guard let handle = create(response.body, connection) else { return .NO }
        defer { MHD_destroy_response(handle) }
        for header in response.headers { MHD_add_response_header(handle, header.name, header.value) }
        if isStopping { MHD_add_response_header(handle, "Connection", "close") }
        return MHD_queue_response(connection, UInt32(response.status), handle)
    }

    private func create(_ body: HTTPResponse.Body, _ connection: OpaquePointer) -> OpaquePointer? {
        switch body {
        case .bytes(let bytes):
            return bytes.withUnsafeBytes { buffer in
                MHD_create_response_from_buffer(
                    buffer.count, UnsafeMutableRawPointer(mutating: buffer.baseAddress), .RESPMEM_MUST_COPY)
            }
        case .stream(let length, let next):
            let stream = BodyStream(core: self, connection: connection, next: next)
            return MHD_create_response_from_callback(
                length.map(UInt64.init) ?? pregao_http_size_unknown, 32_768,
                { context, _, buffer, size in BodyStream.of(context)?.read(into: buffer, size) ?? -1 },
                Unmanaged.passRetained(stream).toOpaque(),
                { context in context.map { Unmanaged<BodyStream>.fromOpaque($0).release() } })
        }
    }

    private func fields(of connection: OpaquePointer, _ kind: MHD_ValueKind, ignoringCase: Bool) -> HTTPFields {
        var fields = HTTPFields(ignoringCase: ignoringCase)
        withUnsafeMutablePointer(to: &fields) { pointer in
            _ = MHD_get_connection_values_n(
                connection, kind,
                { context, _, name, nameSize, value, valueSize in
                    context?.assumingMemoryBound(to: HTTPFields.self).pointee.append(
                        name: UnsafeRawBufferPointer(start: name, count: nameSize),
                        value: UnsafeRawBufferPointer(start: value, count: valueSize))
                    return .YES
                }, pointer)
        }
        return fields
    }
}
