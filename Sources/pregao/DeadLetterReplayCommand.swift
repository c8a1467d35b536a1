import Configuration
import DeadLetters
import EventLog
import Foundation
import Lake
import Terminal

/// `pregao dead-letters replay`
enum DeadLetterReplayCommand {
    static let command = Command(
        "replay", "Append the messages of letters to their topics again, each once",
        discussion: """
            A message goes to its topic as it was, under its key, with its headers and one more that names the letter. A
            letter is replayed once: what was replayed before is told and left alone, whatever became of the command that
            did it. A message whose fault is not mended comes back as a new letter. A refused object's announcement has
            the archiver look at the object again.
            """,
        options: CommonOptions.settings + DeadLettersCommand.selecting + [
            Option("all", .flag, "Every letter that was not replayed"),
            Option("value", .path, "Append this file's bytes in place of the message's; - for standard input"),
            Option("dry-run", .flag, "Only tell what would be replayed"), CommonOptions.json,
        ],
        positionals: [
            Positional("POSITION", DeadLettersCommand.position.help, required: false, repeated: true)
        ],
        examples: [
            Example("pregao dead-letters replay --reason unknown-dataset", "after what was missing is there"),
            Example("pregao dead-letters replay 0/17 --value message.json", "a message that was mended by hand"),
            Example("pregao dead-letters replay --all --dry-run", "see first"),
        ], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let selection = try selection(arguments)
        let workplace = Workplace(try arguments.configuration(), component: "dead-letters")
        let corrected = try corrected(arguments)
        let log = try await workplace.openExistingLog()
        let replay = Replay(log: log, raw: workplace.stores.raw, clock: workplace.clock)
        var tally = ReplayTally()
        do {
            if arguments.has("dry-run") {
                try await replay.rehearse(selection) { tally.note($0, $1) }
            } else {
                let lock = try InstanceLocks(
                    ["replay"], in: workplace.configuration.statusFolder, next: "Wait until it has ended.")
                try await replay.run(selection, corrected: corrected) { tally.note($0, $1) }
                withExtendedLifetime(lock) {}
            }
        } catch {
            // What was done is done, and the next run leaves it alone.
            if !tally.isEmpty { arguments.print(tally.table) }
            await log.close()
            throw error
        }
        await log.close()
        arguments.print(tally.table)
        Output.complain(tally.summary)
        if let missing = selection.positions.subtracting(tally.positions).min(), tally.positions.count < 1 {
            throw arguments.noLetter(at: missing)
        }
        let hasAll = selection.positions.isSubset(of: tally.positions)
        return tally.failed == 0 && hasAll ? .success : .failure
    }

    private static func selection(_ arguments: Arguments) throws -> LetterSelection {
        var selection = try arguments.letterSelection()
        for text in arguments.positionals { selection.positions.insert(try arguments.letterPosition(text)) }
        let narrows = DeadLettersCommand.selecting.contains { arguments.value($0.name) != nil }
        if arguments.has("all") {
            guard selection.positions.isEmpty, !narrows else {
                throw arguments.usage("--all is every letter; leave it out to select some")
            }
        } else if selection.positions.isEmpty, !narrows {
            throw arguments.usage("say which letters: their positions, --topic, --reason, --since, --until, or --all")
        }
        if arguments.value("value") != nil, selection.positions.count != 1 {
            throw arguments.usage("--value is for one letter, given by its position")
        }
        // Of what is named one by one, it is told what was replayed before.
        selection.waiting = selection.positions.isEmpty
        return selection
    }

    private static func corrected(_ arguments: Arguments) throws(CommandError) -> [UInt8]? {
        guard let path = arguments.value("value") else { return nil }
        do {
            let data =
                path == "-"
                ? try FileHandle.standardInput.readToEnd() ?? Data()
                : try Data(contentsOf: URL(fileURLWithPath: path))
            return Array(data)
        } catch {
            throw CommandError("cannot read \(path): \(error.localizedDescription)", exitCode: .unavailable)
        }
    }
}

/// What a replay has told of letters.
private struct ReplayTally {
    private(set) var table = Table(["letter", "topic", "outcome"])
    private(set) var positions: Set<LetterPosition> = []
    private(set) var failed = 0
    private var replayed = 0
    private var before = 0
    private var isRehearsal = false

    var isEmpty: Bool { positions.isEmpty }

    mutating func note(_ found: FoundLetter, _ outcome: Replay.Outcome) {
        positions.insert(found.position)
        let words: String
        switch outcome {
        case .replayed(let place):
            replayed += 1
            words = "replayed as \(place.partition)/\(place.offset)"
        case .wouldReplay:
            (replayed, isRehearsal) = (replayed + 1, true)
            words = "would be replayed"
        case .alreadyReplayed(let time):
            before += 1
            words = "was replayed at \(time)"
        case .failed(let reason):
            failed += 1
            words = "not replayed: \(reason)"
        }
        table.append([.text("\(found.position)"), .text(found.letter?.topic ?? ""), .text(words)])
    }

    var summary: String {
        "\(replayed) letters \(isRehearsal ? "would be replayed" : "replayed"), \(before) were before, \(failed) cannot be"
    }
}
