import Foundation

/// A code of `errno`.
struct SystemErrorCode: Error {
    let rawValue: Int32
}

extension EngineProcess {
    static func spawn(
        _ executable: String, _ arguments: [String], environment: [String: String], input: Int32, output: Int32,
        errors: Int32, inherited: Int32?
    ) -> Result<pid_t, SystemErrorCode> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        // The copy at 3 stays open across exec; glibc clears the flag even where source and target are the same.
        if let inherited { posix_spawn_file_actions_adddup2(&actions, inherited, 3) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Its own group: the terminal's Ctrl-C reaches us alone, who drain, and does not cut a transaction off.
        posix_spawnattr_setpgroup(&attributes, 0)
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let vector = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for argument in vector { free(argument) } }
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let variableVector = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for variable in variableVector { free(variable) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, executable, &actions, &attributes, vector, variableVector)
        return code == 0 ? .success(id) : .failure(SystemErrorCode(rawValue: code))
    }

    /// Waits for a child's end: its exit code, or minus the number of the signal that ended it.
    static func wait(for id: pid_t, forgottenBy handle: ProcessHandle) -> Int32 {
        // The number is ours until the process is reaped, and may be another's at once after that.
        var info = siginfo_t()
        while waitid(P_PID, id_t(id), &info, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        handle.forget()
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 {
            guard errno == EINTR else { return -1 }
        }
        // WIFEXITED and WEXITSTATUS are macros, which are not imported.
        return status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
    }
}
