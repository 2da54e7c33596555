//! How a record writes its moment.

use jiff::fmt::temporal::DateTimePrinter;

/// RFC 3339 in UTC, always with nine decimals, so that text order is time order.
pub(crate) fn timestamp(at: jiff::Timestamp, out: &mut Vec<u8>) {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(9));
    let _ = PRINTER.print_timestamp(&at, jiff::fmt::StdIoWrite(out));
}
