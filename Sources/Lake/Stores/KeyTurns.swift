/// Lets one put after the other have a key, for stores that have no way to create an object only where there is none.
actor KeyTurns {
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

    /// Waits until nobody has the key; to be followed by ``release(_:)``.
    func take(_ key: String) async {
        guard waiting[key] != nil else {
            waiting[key] = []
            return
        }
        await withCheckedContinuation { waiting[key, default: []].append($0) }
    }

    func release(_ key: String) {
        guard var queue = waiting[key], !queue.isEmpty else {
            waiting[key] = nil
            return
        }
        let next = queue.removeFirst()
        waiting[key] = queue
        next.resume()
    }
}
