/// Elements by the time at which they are due, the earliest first; equal times in no order.
struct DueHeap<Element> {
    private var entries: [(due: Int64, element: Element)] = []

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    var earliest: Int64? { entries.first?.due }

    mutating func push(_ element: Element, due: Int64) {
        entries.append((due, element))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].due < entries[parent].due else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// - Returns: nil where nothing is due at `time`.
    mutating func pop(dueBy time: Int64) -> Element? {
        guard let first = entries.first, first.due <= time else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            siftDown()
        }
        return first.element
    }

    mutating func removeAll() -> [Element] {
        defer { entries = [] }
        return entries.map(\.element)
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var least = parent
            let left = 2 * parent + 1
            for child in left..<left + 2 where child < entries.count && entries[child].due < entries[least].due {
                least = child
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}

extension DueHeap: Sendable where Element: Sendable {}
