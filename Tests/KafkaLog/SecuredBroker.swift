import Foundation
import KafkaTesting

/// A broker that asks for credentials on a listener of its own, and has TLS on another. Its one user is alice.
struct SecuredBroker {
    static let password = "wonder-land"

    let broker: TestBroker
    /// host:port of the listener with SASL.
    let sasl: String
    /// host:port of the listener with TLS.
    let tls: String
    /// The authority that the broker's certificate is checked against.
    let authority: URL

    static func start() async throws -> SecuredBroker {
        let keys = FileManager.default.temporaryDirectory.appending(path: "kafka-keys-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: keys, withIntermediateDirectories: true)
        let (store, authority) = (keys.appending(path: "broker.p12"), keys.appending(path: "broker.pem"))
        // A certificate that vouches for itself is its own authority.
        try keytool([
            "-genkeypair", "-alias", "broker", "-keyalg", "RSA", "-storetype", "PKCS12", "-keystore", store.path,
            "-storepass", password, "-dname", "CN=127.0.0.1", "-ext", "san=ip:127.0.0.1", "-validity", "2",
        ])
        try keytool([
            "-exportcert", "-rfc", "-alias", "broker", "-keystore", store.path, "-storepass", password, "-file",
            authority.path,
        ])
        let broker = try await TestBroker.start { properties(port: $0, store: store) }
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
            try await broker.tool(
                "configs",
                [
                    "--bootstrap-server", broker.address, "--alter", "--add-config",
                    "\(mechanism)=[password=\(password)]", "--entity-type", "users", "--entity-name", "alice",
                ])
        }
        return SecuredBroker(
            broker: broker, sasl: "127.0.0.1:\(broker.port + 2)", tls: "127.0.0.1:\(broker.port + 3)",
            authority: authority)
    }

    /// A broker takes four ports: plain, its controller's, SASL's and TLS's. What is given last counts; a colon instead
    /// of an equals sign keeps the script from taking the second list of listeners for its own.
    private static func properties(port: Int, store: URL) -> [String] {
        let (plain, control) = ("PLAINTEXT://127.0.0.1:\(port)", "CONTROLLER://127.0.0.1:\(port + 1)")
        let secured = "SASL://127.0.0.1:\(port + 2),TLS://127.0.0.1:\(port + 3)"
        let security = "org.apache.kafka.common.security"
        let login = [
            "plain": "\(security).plain.PlainLoginModule required user_alice=\"\(password)\";",
            "scram-sha-256": "\(security).scram.ScramLoginModule required;",
            "scram-sha-512": "\(security).scram.ScramLoginModule required;",
            "oauthbearer":
                "\(security).oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"alice\";",
        ].map { "listener.name.sasl.\($0.key).sasl.jaas.config=\($0.value)" }
        return [
            "listeners:\(plain),\(control),\(secured)", "advertised.listeners:\(plain),\(secured)",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL",
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            "listener.name.tls.ssl.keystore.type=PKCS12", "listener.name.tls.ssl.keystore.location=\(store.path)",
            "listener.name.tls.ssl.keystore.password=\(password)", "listener.name.tls.ssl.key.password=\(password)",
        ] + login
    }

    /// Java's own, which comes with what runs the broker.
    private static func keytool(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["keytool"] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TestBroker.Fault("keytool refuses \(arguments)")
        }
    }

    func remove() async {
        await broker.remove()
        try? FileManager.default.removeItem(at: authority.deletingLastPathComponent())
    }
}
