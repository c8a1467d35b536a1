import CArrow
import JSON
import MarketData

/// One column's values in Arrow's memory layout. The owner keeps rows below its capacity and gives the memory back.
struct ColumnBuffer {
    enum Layout { case text, int64, int32, decimal, bits }

    let type: ColumnType
    let layout: Layout
    let isNullable: Bool
    /// A day that must be as plausible as the times of an observation.
    let isTradingDay: Bool
    /// Fixed-width values; of texts, their ends, after a first 0; of booleans, bits.
    private(set) var values: UnsafeMutableRawPointer
    /// A bit a row, set where there is a value; of a column that may not be null, unused.
    private(set) var validity: UnsafeMutableRawPointer
    private(set) var text: UnsafeMutableRawPointer
    private(set) var textCapacity: Int

    init(type: ColumnType, layout: Layout, isNullable: Bool, isTradingDay: Bool = false, capacity: Int) {
        self.type = type
        self.layout = layout
        self.isNullable = isNullable
        self.isTradingDay = isTradingDay
        values = Self.allocate(Self.valueBytes(layout, rows: capacity))
        validity = Self.allocate(isNullable ? capacity / 8 + 1 : 0)
        textCapacity = layout == .text ? capacity * 16 : 0
        text = Self.allocate(textCapacity)
        if layout == .text { values.storeBytes(of: 0, as: Int32.self) }
    }

    func deallocate() {
        for memory in [values, validity, text] { memory.deallocate() }
    }

    mutating func grow(from capacity: Int, to newCapacity: Int) {
        Self.grow(
            &values, from: Self.valueBytes(layout, rows: capacity), to: Self.valueBytes(layout, rows: newCapacity))
        if isNullable { Self.grow(&validity, from: capacity / 8 + 1, to: newCapacity / 8 + 1) }
    }

    /// Bytes of the rows up to `row`, roughly, and of all the room for texts: one long text makes much of it.
    func byteCount(rows: Int) -> Int {
        Self.valueBytes(layout, rows: rows) + (layout == .text ? textCapacity : 0)
    }

    func textEnd(row: Int) -> Int { Int(values.load(fromByteOffset: row * 4, as: Int32.self)) }

    private static func valueBytes(_ layout: Layout, rows: Int) -> Int {
        switch layout {
        case .text: (rows + 1) * 4
        case .int64: rows * 8
        case .int32: rows * 4
        case .decimal: rows * 16
        case .bits: rows / 8 + 1
        }
    }

    /// Arrow: "It is recommended to allocate memory on aligned addresses (multiple of 8- or 64-bytes) and pad".
    private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        .allocate(byteCount: (bytes + 63) & ~63, alignment: 64)
    }

    private static func grow(_ memory: inout UnsafeMutableRawPointer, from bytes: Int, to newBytes: Int) {
        let larger = allocate(newBytes)
        larger.copyMemory(from: memory, byteCount: bytes)
        memory.deallocate()
        memory = larger
    }
}

extension ColumnBuffer {
    /// Writes the value of `row`, the first that is not yet a row; until it is one, it may be written again.
    ///
    /// - Returns: why the slot is no value of this column, or nil.
    @inline(__always)
    mutating func set(_ slot: borrowing FlatObjectReader.Slot, row: Int) -> RejectionReason? {
        let kind = slot.kind
        if kind == .missing || kind == .null { return setNull(row: row) }
        switch type {
        case .text:
            guard kind == .string else { return .wrongType }
            setText(slot.text, row: row)
        case .integer:
            guard kind == .integer else { return .wrongType }
            setInt64(slot.integer, row: row)
        case .decimal:
            guard kind == .string else { return .wrongType }
            if let reason = setDecimal(slot.text, row: row) { return reason }
        case .instant:
            guard kind == .string, let instant = Instant(rfc3339: slot.text) else { return .wrongType }
            guard Instant.plausible.contains(instant) else { return .implausibleTime }
            setInt64(instant.microseconds, row: row)
        case .day:
            guard kind == .string, let day = Day(parsing: slot.text) else { return .wrongType }
            guard !isTradingDay || day.isPlausible else { return .implausibleTime }
            values.storeBytes(of: day.daysSinceEpoch, toByteOffset: row * 4, as: Int32.self)
        case .boolean:
            guard kind == .boolean else { return .wrongType }
            Self.setBit(values, row, to: slot.boolean)
        }
        if isNullable { Self.setBit(validity, row, to: true) }
        return nil
    }

    func setInt64(_ value: Int64, row: Int) { values.storeBytes(of: value, toByteOffset: row * 8, as: Int64.self) }

    func setInt32(_ value: Int32, row: Int) { values.storeBytes(of: value, toByteOffset: row * 4, as: Int32.self) }

    func int64(row: Int) -> Int64 { values.load(fromByteOffset: row * 8, as: Int64.self) }

    func int32(row: Int) -> Int32 { values.load(fromByteOffset: row * 4, as: Int32.self) }

    private func setNull(row: Int) -> RejectionReason? {
        guard isNullable else { return .missingColumn }
        Self.setBit(validity, row, to: false)
        if layout == .text { setInt32(int32(row: row), row: row + 1) }
        return nil
    }

    private mutating func setText(_ bytes: UnsafeRawBufferPointer, row: Int) {
        let start = textEnd(row: row)
        let end = start + bytes.count
        if end > textCapacity {
            let newCapacity = max(end, textCapacity * 2)
            Self.grow(&text, from: start, to: newCapacity)
            textCapacity = newCapacity
        }
        if let base = bytes.baseAddress { text.advanced(by: start).copyMemory(from: base, byteCount: bytes.count) }
        setInt32(Int32(end), row: row + 1)
    }

    private func setDecimal(_ bytes: UnsafeRawBufferPointer, row: Int) -> RejectionReason? {
        do throws(DecimalFault) {
            // Arrow's decimals are little-endian, as are the processors that Pregão runs on.
            values.storeBytes(of: try Decimal(parsing: bytes).units, toByteOffset: row * 16, as: Int128.self)
            return nil
        } catch {
            return error == .notANumber ? .wrongType : .decimalDoesNotFit
        }
    }

    private static func setBit(_ bits: UnsafeMutableRawPointer, _ row: Int, to value: Bool) {
        let mask = UInt8(1) << UInt8(row & 7)
        let byte = bits.load(fromByteOffset: row >> 3, as: UInt8.self)
        bits.storeBytes(of: value ? byte | mask : byte & ~mask, toByteOffset: row >> 3, as: UInt8.self)
    }
}

extension Day {
    /// The trading days that plausible times can have, whatever the time zone.
    fileprivate var isPlausible: Bool {
        self >= Instant.plausible.lowerBound.utcDay.adding(days: -1) && self <= Instant.plausible.upperBound.utcDay
    }
}
