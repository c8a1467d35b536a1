import Testing

@testable import EventLog

struct AssignmentTests {
    /// A group that carries out what is said, as the log and its members would.
    private struct Group {
        var members: [String: Set<Int64>]
        var owners: [Int64: String?]
        var revoking: Set<Int64> = []
        let topicOf: @Sendable (Int64) -> Int64

        init(
            members: [String], partitions: Range<Int64>, topicOf: @escaping @Sendable (Int64) -> Int64 = { _ in 0 }
        ) {
            let topics = Set(partitions.map(topicOf))
            self.members = Dictionary(members.map { ($0, topics) }) { $1 }
            owners = Dictionary(partitions.map { ($0, nil) }) { $1 }
            self.topicOf = topicOf
        }

        /// Applies one round of changes.
        mutating func round() -> [Assignment.Change] {
            let changes = Assignment.changes(
                members: members.map { Assignment.Member(instance: $0.key, topics: $0.value) },
                slots: owners.map { partition, owner in
                    Assignment.Slot(
                        partition: partition, topic: topicOf(partition), owner: owner,
                        isRevoking: revoking.contains(partition))
                })
            for change in changes {
                switch change {
                case .assign(let partition, let instance):
                    #expect(owners[partition] == .some(nil), "an owned partition was given away")
                    owners[partition] = .some(instance)
                case .revoke(let partition): revoking.insert(partition)
                }
            }
            return changes
        }

        mutating func releaseRevoked() {
            for partition in revoking { owners[partition] = .some(nil) }
            revoking = []
        }

        mutating func settle() {
            while !round().isEmpty { releaseRevoked() }
        }

        mutating func drop(_ member: String) {
            members[member] = nil
            for (partition, owner) in owners where owner == member {
                owners[partition] = .some(nil)
                revoking.remove(partition)
            }
        }

        var loads: [Int] {
            members.keys.map { member in owners.values.count { $0 == member } }.sorted()
        }
    }

    @Test(arguments: [(1, 1), (1, 4), (2, 4), (3, 4), (4, 4), (5, 4), (3, 100), (7, 8)])
    func `partitions are divided evenly, none left over`(_ members: Int, _ partitions: Int64) {
        var group = Group(members: (0..<members).map { "member \($0)" }, partitions: 0..<partitions)
        group.settle()
        #expect(group.owners.values.allSatisfy { $0 != nil })
        #expect((group.loads.last ?? 0) - (group.loads.first ?? 0) <= 1)
    }

    @Test
    func `an even division is left as it is`() {
        var group = Group(members: ["a", "b"], partitions: 0..<8)
        group.settle()
        #expect(group.round().isEmpty)
    }

    @Test
    func `a newcomer takes only as many as it needs, and the others keep theirs`() {
        var group = Group(members: ["a", "b"], partitions: 0..<9)
        group.settle()
        let before = group.owners
        group.members["c"] = [0]
        let changes = group.round()
        #expect(changes.count == 3)
        #expect(
            changes.allSatisfy {
                if case .revoke = $0 { true } else { false }
            })
        #expect(group.round().isEmpty, "nothing more moves before the owners have released")
        group.releaseRevoked()
        group.settle()
        #expect(group.loads == [3, 3, 3])
        #expect(group.owners.count { before[$0.key] == $0.value } == 6)
    }

    @Test
    func `what a member that is gone had goes to the others, whose own stays`() {
        var group = Group(members: ["a", "b", "c"], partitions: 0..<9)
        group.settle()
        let before = group.owners
        group.drop("b")
        let changes = group.round()
        #expect(changes.count == 3)
        #expect(group.owners.allSatisfy { before[$0.key] == "b" || before[$0.key] == $0.value })
        #expect(group.loads == [4, 5])
    }

    @Test
    func `each of many small topics counts, not only the partitions of one`() {
        var group = Group(members: ["a"], partitions: 0..<6, topicOf: { $0 })
        group.settle()
        group.members["b"] = group.members["a"]
        group.settle()
        #expect(group.loads == [3, 3])
    }

    @Test
    func `a newcomer takes some of every topic rather than all of one`() {
        var group = Group(members: ["a"], partitions: 0..<8, topicOf: { $0 / 4 })
        group.settle()
        group.members["b"] = group.members["a"]
        group.settle()
        for topic in Int64(0)..<2 {
            #expect(group.owners.count { $0.key / 4 == topic && $0.value == "b" } == 2)
        }
    }

    @Test
    func `a member is given only the topics that it reads, and gives up those it reads no longer`() {
        var group = Group(members: ["a", "b"], partitions: 0..<4, topicOf: { $0 / 2 })
        group.members["b"] = [1]
        group.settle()
        #expect(group.owners[0] == "a")
        #expect(group.owners[1] == "a")
        #expect(group.owners[2] == "b")
        #expect(group.owners[3] == "b")
        group.members["b"] = [0]
        group.settle()
        #expect(group.owners[2] == "a")
        #expect(group.owners[3] == "a")
    }

    @Test
    func `a partition that is being given back stays its owner's until then, even if everybody else leaves`() {
        var group = Group(members: ["a"], partitions: 0..<2)
        group.settle()
        group.members["b"] = [0]
        _ = group.round()
        #expect(group.revoking.count == 1)
        group.drop("b")
        #expect(group.round().isEmpty)
        group.releaseRevoked()
        group.settle()
        #expect(group.loads == [2])
    }
}
