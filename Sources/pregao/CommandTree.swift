import Terminal

/// Every command, in the order of help.
enum CommandTree {
    static let root: Command = Command(
        "pregao", "Collect market quotes, keep every one, and prove that nothing is missing.",
        discussion: """
            One program for the whole way: poller, topics, flusher, raw Parquet, archiver, catalog, daily batch. 'pregao run'
            runs it all in one process; poll, flush, archive, batch and console run one stage each.

            Settings come from a YAML file (--config, else PREGAO_CONFIG, else ./pregao.yml), then from the environment
            (PREGAO_FLUSHER_INTERVAL=1s), then from --set flusher.interval=1s. Results go to standard output, everything
            else to standard error. Every command takes --help.
            """,
        subcommands: [
            StageCommands.run, StageCommands.poll, StageCommands.flush, StageCommands.archive, StageCommands.batch,
            StageCommands.console, BackfillCommand.command, ScheduleCommand.command, QueryCommand.command.interruptible,
            CatalogCommand.command.interruptible, VerifyCommand.command.interruptible,
            SweepCommand.command.interruptible, CompactCommand.command.interruptible,
            ExpireCommand.command.interruptible,
            RestoreCommand.command.interruptible, StatusCommand.command.interruptible,
            DeadLettersCommand.command.interruptible, LogCommand.command, ConfigCommand.command,
            SimulateCommand.command,
            CompletionsCommand.command, VersionCommand.command,
        ])
}
