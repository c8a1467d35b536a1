import CArrow
import Foundation

// The structs of the Arrow C Data Interface. Its specification: the consumer calls `release` once, on the base struct,
// which releases the children that were not moved out, frees what the producer allocated, and sets `release` to null.

extension ArrowArray {
    /// An array over memory that its owner keeps until the array is released.
    static func borrowing(_ memory: [UnsafeRawPointer?], rows: Int, nullCount: Int) -> ArrowArray {
        make(memory: memory, children: [], rows: rows, nullCount: nullCount)
    }

    /// A struct array without nulls.
    static func structure(of children: [ArrowArray], rows: Int) -> ArrowArray {
        make(memory: [nil], children: children, rows: rows, nullCount: 0)
    }

    private static func make(memory: [UnsafeRawPointer?], children: [ArrowArray], rows: Int, nullCount: Int)
        -> ArrowArray
    {
        let buffers = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: memory.count)
        buffers.initialize(from: memory, count: memory.count)
        let boxes = UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>.allocate(capacity: children.count)
        for (index, child) in children.enumerated() {
            let box = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
            box.initialize(to: child)
            boxes[index] = box
        }
        return ArrowArray(
            length: Int64(rows), null_count: Int64(nullCount), offset: 0, n_buffers: Int64(memory.count),
            n_children: Int64(children.count), buffers: buffers, children: boxes, dictionary: nil,
            release: { releaseArray($0) }, private_data: nil)
    }
}

private func releaseArray(_ array: UnsafeMutablePointer<ArrowArray>?) {
    guard let array else { return }
    for index in 0..<Int(array.pointee.n_children) {
        guard let child = array.pointee.children?[index] else { continue }
        child.pointee.release?(child)
        child.deallocate()
    }
    array.pointee.children?.deallocate()
    array.pointee.buffers?.deallocate()
    array.pointee.release = nil
}

extension ArrowSchema {
    /// - Parameter format: the type in the specification's words, such as `tsu:UTC`.
    static func field(_ name: String, format: String, isNullable: Bool) -> ArrowSchema {
        make(name: name, format: format, flags: isNullable ? Int64(ARROW_FLAG_NULLABLE) : 0, children: [])
    }

    static func structure(of children: [ArrowSchema]) -> ArrowSchema {
        make(name: "", format: "+s", flags: 0, children: children)
    }

    private static func make(name: String, format: String, flags: Int64, children: [ArrowSchema]) -> ArrowSchema {
        let boxes = UnsafeMutablePointer<UnsafeMutablePointer<ArrowSchema>?>.allocate(capacity: children.count)
        for (index, child) in children.enumerated() {
            let box = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
            box.initialize(to: child)
            boxes[index] = box
        }
        return ArrowSchema(
            format: UnsafePointer(strdup(format)), name: UnsafePointer(strdup(name)), metadata: nil, flags: flags,
            n_children: Int64(children.count), children: boxes, dictionary: nil, release: { releaseSchema($0) },
            private_data: nil)
    }
}

private func releaseSchema(_ schema: UnsafeMutablePointer<ArrowSchema>?) {
    guard let schema else { return }
    for index in 0..<Int(schema.pointee.n_children) {
        guard let child = schema.pointee.children?[index] else { continue }
        child.pointee.release?(child)
        child.deallocate()
    }
    schema.pointee.children?.deallocate()
    free(UnsafeMutablePointer(mutating: schema.pointee.format))
    free(UnsafeMutablePointer(mutating: schema.pointee.name))
    schema.pointee.release = nil
}
