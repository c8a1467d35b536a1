import CYAML

extension YAMLNode {
    /// Reads a text that is one YAML document; an empty one is a null.
    ///
    /// - Throws: the first ``YAMLFault`` in the document's order.
    public init(parsing text: String, maximumBytes: Int = 1 << 20, maximumDepth: Int = 64) throws(YAMLFault) {
        try self.init(parsing: Array(text.utf8), maximumBytes: maximumBytes, maximumDepth: maximumDepth)
    }

    public init(parsing bytes: [UInt8], maximumBytes: Int = 1 << 20, maximumDepth: Int = 64) throws(YAMLFault) {
        guard bytes.count <= maximumBytes else { throw YAMLFault(.tooLarge, at: YAMLMark(line: 1, column: 1)) }
        let result = bytes.withUnsafeBufferPointer { input in
            Result { () throws(YAMLFault) in
                let parser = try YAMLParser(input, maximumDepth: maximumDepth)
                return try parser.document()
            }
        }
        self = try result.get()
    }
}

/// libyaml's parser over bytes that outlive it.
private struct YAMLParser: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeBufferPointer<UInt8>
    private let maximumDepth: Int

    init(_ input: UnsafeBufferPointer<UInt8>, maximumDepth: Int) throws(YAMLFault) {
        self.input = input
        self.maximumDepth = maximumDepth
        parser = .allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            throw YAMLFault(.malformed("no memory for the parser"), at: YAMLMark(line: 1, column: 1))
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    func document() throws(YAMLFault) -> YAMLNode {
        _ = try next()
        let first = try next()
        guard first.type == YAML_DOCUMENT_START_EVENT else {
            return YAMLNode(.scalar("", isPlain: true), at: YAMLMark(line: 1, column: 1))
        }
        let root = try node(startingWith: try next(), depth: 0)
        _ = try next()
        let last = try next()
        guard last.type == YAML_STREAM_END_EVENT else { throw YAMLFault(.severalDocuments, at: last.mark) }
        return root
    }

    private func node(startingWith event: Event, depth: Int) throws(YAMLFault) -> YAMLNode {
        guard depth <= maximumDepth else { throw YAMLFault(.tooDeep, at: event.mark) }
        if event.hasTag { throw YAMLFault(.tag, at: event.mark) }
        switch event.type {
        case YAML_SCALAR_EVENT: return YAMLNode(.scalar(event.text, isPlain: event.isPlain), at: event.mark)
        case YAML_SEQUENCE_START_EVENT:
            return YAMLNode(.sequence(try elements(depth: depth)), at: event.mark)
        case YAML_MAPPING_START_EVENT:
            return YAMLNode(.mapping(try entries(depth: depth)), at: event.mark)
        case YAML_ALIAS_EVENT: throw YAMLFault(.alias, at: event.mark)
        default: throw YAMLFault(.malformed("a value is missing"), at: event.mark)
        }
    }

    private func elements(depth: Int) throws(YAMLFault) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        while true {
            let event = try next()
            if event.type == YAML_SEQUENCE_END_EVENT { return elements }
            elements.append(try node(startingWith: event, depth: depth + 1))
        }
    }

    private func entries(depth: Int) throws(YAMLFault) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var seen: Set<String> = []
        while true {
            let event = try next()
            if event.type == YAML_MAPPING_END_EVENT { return entries }
            let key = try node(startingWith: event, depth: depth + 1)
            guard case .scalar(let name, _) = key.content else { throw YAMLFault(.keyIsNoScalar, at: key.mark) }
            guard seen.insert(name).inserted else { throw YAMLFault(.duplicateKey(name), at: key.mark) }
            let value = try node(startingWith: try next(), depth: depth + 1)
            entries.append(YAMLEntry(key: name, keyMark: key.mark, value: value))
        }
    }

    private func next() throws(YAMLFault) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw fault() }
        defer { yaml_event_delete(&event) }
        return Event(event)
    }

    private func fault() -> YAMLFault {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
        let context = parser.pointee.context.map { " \(String(cString: $0))" } ?? ""
        // The reader, which decodes UTF-8, knows an offset only.
        let mark =
            parser.pointee.error == YAML_READER_ERROR
            ? mark(ofByte: Int(parser.pointee.problem_offset)) : YAMLMark(parser.pointee.problem_mark)
        return YAMLFault(.malformed(problem + context), at: mark)
    }

    private func mark(ofByte offset: Int) -> YAMLMark {
        let before = input[..<min(offset, input.count)]
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        // Bytes of the form 10xxxxxx continue a character.
        return YAMLMark(line: line, column: before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1)
    }
}

/// What is needed of libyaml's event after it is deleted.
private struct Event {
    let type: yaml_event_type_t
    let mark: YAMLMark
    let text: String
    let isPlain: Bool
    let hasTag: Bool

    init(_ event: yaml_event_t) {
        type = event.type
        mark = YAMLMark(event.start_mark)
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            hasTag = scalar.tag != nil
        case YAML_SEQUENCE_START_EVENT:
            (text, isPlain, hasTag) = ("", false, event.data.sequence_start.tag != nil)
        case YAML_MAPPING_START_EVENT:
            (text, isPlain, hasTag) = ("", false, event.data.mapping_start.tag != nil)
        default: (text, isPlain, hasTag) = ("", false, false)
        }
    }
}

extension YAMLMark {
    /// libyaml counts from 0.
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}
