@main
struct Pregao {
    static func main() {}
}
