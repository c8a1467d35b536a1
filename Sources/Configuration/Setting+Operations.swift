import Operations

extension Setting {
    private static let standard = OperationsSettings()

    static let operations: [Setting] = [
        text(
            "operations.address", "Where a process answers /healthz, /readyz and /metrics.", standard: standard.address
        ) { $0.operations.address = $1 },
        integer(
            "operations.port",
            "Its port, for each process of a machine another; 0 takes any. Without one nothing is answered.",
            standard: nil, in: 0...65_535
        ) { $0.operations.port = UInt16($1) },
    ]
}
