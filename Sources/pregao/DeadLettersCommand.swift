import DeadLetters
import EventLog
import Foundation
import Lake
import MarketData
import Terminal

/// `pregao dead-letters list | show | replay`
enum DeadLettersCommand {
    static let command = Command(
        "dead-letters", "List, show and replay the messages that could not be read",
        subcommands: [
            Command(
                "list", "List the letters of pregao.dead-letters: what each was, and why it could not be read",
                options: CommonOptions.settings + selecting + [
                    Option("waiting", .flag, "Only those that were not replayed"), CommonOptions.json,
                ],
                examples: [
                    Example("pregao dead-letters list --waiting", "what is still to be looked at"),
                    Example("pregao dead-letters list --reason not-json --since 2026-11-27", "of one kind, of late"),
                ], run: list),
            Command(
                "show", "Show a letter with its message's key, headers and bytes",
                options: CommonOptions.settings + [
                    Option("raw", .flag, "Write the message's value, byte by byte, and nothing else"),
                    CommonOptions.json,
                ],
                positionals: [position],
                examples: [
                    Example("pregao dead-letters show 0/17", "all that is known of it"),
                    Example("pregao dead-letters show 0/17 --raw > message.json", "its bytes, to be mended"),
                ], run: show),
            DeadLetterReplayCommand.command,
        ])

    static let position = Positional("POSITION", "The letter's, as list shows it: 0/17, or 17 for partition 0")

    /// How letters are selected, but for their positions.
    static let selecting = [
        Option("topic", .value(placeholder: "TOPIC"), "Only messages of this topic"),
        Option("reason", .value(placeholder: "REASON"), "Only letters with this reason, such as not-json"),
        Option("since", .value(placeholder: "TIME"), "Only letters from then on: a UTC day, or RFC 3339"),
        Option("until", .value(placeholder: "TIME"), "Only letters before then"),
    ]

    @Sendable private static func list(_ arguments: Arguments) async throws -> ExitCode {
        var selection = try arguments.letterSelection()
        selection.waiting = arguments.has("waiting")
        let workplace = Workplace(try arguments.configuration(), component: "dead-letters")
        let log = try await workplace.openExistingLog()
        var table = Table([
            "letter", "arrived", "topic", "partition", "offset", "reason", "replayed", "replay of", "detail",
        ])
        try await LetterBox(log: log, raw: workplace.stores.raw).visit(selection) { table.append(row(of: $0)) }
        await log.close()
        arguments.print(table)
        return .success
    }

    private static func row(of found: FoundLetter) -> [Table.Cell] {
        let replayed: Table.Cell = found.replayedAt.map { .text("\($0)") } ?? .none
        let head: [Table.Cell] = [.text("\(found.position)"), .text("\(found.arrived)")]
        switch found.content {
        case .letter(let letter):
            let origin: Table.Cell = letter.inlineMessage?.origin.map { .text($0) } ?? .none
            return head + [
                .text(letter.topic), .number(Int64(letter.partition)), .number(letter.offset), .text(letter.reason),
                replayed, origin, .text(letter.detail),
            ]
        case .unreadable(let reason):
            return head + [.none, .none, .none, .text("no-letter"), replayed, .none, .text(reason)]
        }
    }

    @Sendable private static func show(_ arguments: Arguments) async throws -> ExitCode {
        let position = try arguments.letterPosition(arguments.positionals[0])
        let workplace = Workplace(try arguments.configuration(), component: "dead-letters")
        let log = try await workplace.openExistingLog()
        let box = LetterBox(log: log, raw: workplace.stores.raw)
        let found = try await box.letter(at: position)
        await log.close()
        guard let found else { throw arguments.noLetter(at: position) }
        guard let letter = found.letter else {
            throw CommandError("\(position) of \(DeadLetter.topic) is no letter", exitCode: .unavailable)
        }
        let message: OriginalMessage
        do { message = try await box.message(of: letter) } catch let fault as LetterContentFault {
            throw CommandError("letter \(position): \(fault)", exitCode: .unavailable)
        }
        if arguments.has("raw") {
            Output.write((message.value ?? [])[...])
        } else if arguments.has("json") {
            Output.write(letter.holding(message).json()[...])
            Output.write("\n")
        } else {
            Output.write(LetterText(found, letter, message).text)
        }
        return .success
    }
}

extension DeadLetter {
    /// This letter with its message inside, wherever it was kept.
    fileprivate func holding(_ message: OriginalMessage) -> DeadLetter {
        DeadLetter(
            topic: topic, partition: partition, offset: offset, epoch: epoch, timestamp: timestamp, reason: reason,
            detail: detail, content: .inline(key: message.key, value: message.value, headers: message.headers))
    }
}

extension Arguments {
    /// What --topic, --reason, --since and --until select.
    func letterSelection() throws(CommandError) -> LetterSelection {
        var selection = LetterSelection()
        selection.topic = value("topic")
        selection.reason = value("reason")
        selection.since = try instant("since")
        selection.until = try instant("until")
        return selection
    }

    private func instant(_ option: String) throws(CommandError) -> Instant? {
        guard let text = value(option) else { return nil }
        if let instant = Instant(rfc3339: text) ?? Instant(rfc3339: "\(text)T00:00:00Z") { return instant }
        throw usage("--\(option) takes a day as 2026-11-27 or a time as 2026-11-27T12:00:00Z, not '\(text)'")
    }

    func letterPosition(_ text: String) throws(CommandError) -> LetterPosition {
        guard let position = LetterPosition(text) else {
            throw usage("a letter's position is such as 0/17, not '\(text)'")
        }
        return position
    }

    func noLetter(at position: LetterPosition) -> CommandError {
        CommandError(
            "there is no letter \(position), or no longer", next: "'pregao dead-letters list' shows what there is.",
            exitCode: .unavailable)
    }
}
