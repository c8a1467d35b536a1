extension String {
    /// This text without the credentials that it may quote: what stands before the host in a URL, and what follows
    /// `password=`, `secret_key=` and their like. For whatever is written where others read it.
    public var withoutCredentials: String {
        // Most text has none, and is not looked at twice.
        guard utf8.contains(where: { $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "=") }) else { return self }
        return replacing(/(:\/\/)[^\s\/?#"'<>]*@/) { "\($0.1)…@" }
            .replacing(
                /(?i)((?:password|passwd|secret|secret[-_.]?key|secret[-_.]?access[-_.]?key|access[-_.]?key|token|api[-_.]?key|sasl\.password|ssl\.key\.password)["']?\s*[=]\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s&;,"']+)/
            ) { "\($0.1)…" }
    }
}
