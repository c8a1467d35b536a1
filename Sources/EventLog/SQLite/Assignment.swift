/// How a group's partitions are divided among its members.
///
/// Members keep what they have as far as the division stays even. What is to move is first revoked, and assigned only
/// when its owner has released it.
struct Assignment {
    struct Member: Hashable {
        let instance: String
        let topics: Set<Int64>
    }

    struct Slot: Hashable {
        let partition: Int64
        let topic: Int64
        /// The live member that has it.
        let owner: String?
        let isRevoking: Bool
    }

    enum Change: Hashable {
        case assign(partition: Int64, to: String)
        case revoke(partition: Int64)
    }

    private let slots: [Slot]
    private var topics: [String: Set<Int64>] = [:]
    /// The indices of the slots that each member is to have.
    private var targets: [String: Set<Int>] = [:]

    /// What has to change; nothing where the division is even.
    static func changes(members: [Member], slots: [Slot]) -> [Change] {
        var assignment = Assignment(members: members, slots: slots)
        assignment.keepOwners()
        assignment.placeOthers()
        assignment.level()
        return assignment.changes()
    }

    private init(members: [Member], slots: [Slot]) {
        self.slots = slots.sorted { $0.partition < $1.partition }
        for member in members {
            topics[member.instance] = member.topics
            targets[member.instance] = []
        }
    }

    private mutating func keepOwners() {
        for (index, slot) in slots.enumerated() where !slot.isRevoking {
            guard let owner = slot.owner, topics[owner]?.contains(slot.topic) == true else { continue }
            targets[owner]?.insert(index)
        }
    }

    private mutating func placeOthers() {
        let placed = targets.values.reduce(into: Set<Int>()) { $0.formUnion($1) }
        for (index, slot) in slots.enumerated() where !placed.contains(index) {
            let least = readers(of: slot.topic).min { isLess(loaded: $0, than: $1, for: slot.topic) }
            if let least { targets[least]?.insert(index) }
        }
    }

    /// Moves slots from the most to the least loaded until no move would make it more even.
    private mutating func level() {
        while let (index, from, to) = nextMove() {
            targets[from]?.remove(index)
            targets[to]?.insert(index)
        }
    }

    private func nextMove() -> (slot: Int, from: String, to: String)? {
        let byLoad = targets.keys.sorted { (load($0), $0) < (load($1), $1) }
        for from in byLoad.reversed() {
            for to in byLoad where load(from) - load(to) >= 2 {
                let movable = (targets[from] ?? []).filter { topics[to]?.contains(slots[$0].topic) == true }
                // Of the topic that the two share least evenly; of those, the one that is nobody's yet, or the last.
                let best = movable.max { left, right in
                    rank(left, from: from, to: to) < rank(right, from: from, to: to)
                }
                if let best { return (best, from, to) }
            }
        }
        return nil
    }

    private func rank(_ index: Int, from: String, to: String) -> (Int, Int, Int) {
        let slot = slots[index]
        let surplus = load(from, of: slot.topic) - load(to, of: slot.topic)
        return (surplus, slot.owner == from && !slot.isRevoking ? 0 : 1, index)
    }

    private func changes() -> [Change] {
        var target: [Int: String] = [:]
        for (instance, indices) in targets {
            for index in indices { target[index] = instance }
        }
        var changes: [Change] = []
        for (index, slot) in slots.enumerated() where !slot.isRevoking {
            if slot.owner == nil {
                if let instance = target[index] { changes.append(.assign(partition: slot.partition, to: instance)) }
            } else if target[index] != slot.owner {
                changes.append(.revoke(partition: slot.partition))
            }
        }
        return changes
    }

    private func readers(of topic: Int64) -> [String] {
        targets.keys.filter { topics[$0]?.contains(topic) == true }
    }

    private func load(_ instance: String) -> Int { targets[instance]?.count ?? 0 }

    private func load(_ instance: String, of topic: Int64) -> Int {
        targets[instance]?.count { slots[$0].topic == topic } ?? 0
    }

    private func isLess(loaded left: String, than right: String, for topic: Int64) -> Bool {
        (load(left), load(left, of: topic), left) < (load(right), load(right, of: topic), right)
    }
}
