//! Lines of files from elsewhere: never more of one in memory than a line may have.

use std::io::{self, BufRead};

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineRead {
    /// A whole line, with its newline.
    Whole,
    /// The last line, which lacks its newline.
    Unended,
    /// More than a line may have; the rest of it was not read.
    TooLong,
    /// Nothing: the file has ended.
    End,
}

/// Reads the next line into a buffer, which then has nothing else. A line has at most so many bytes, its newline included.
pub fn read(file: &mut impl BufRead, bytes_max: u64, line: &mut Vec<u8>) -> io::Result<LineRead> {
    line.clear();
    io::Read::take(&mut *file, bytes_max).read_until(b'\n', line)?;
    Ok(match line.last() {
        None => LineRead::End,
        Some(b'\n') => LineRead::Whole,
        Some(_) if line.len() as u64 == bytes_max => LineRead::TooLong,
        Some(_) => LineRead::Unended,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_so_many_bytes_and_not_one_more() {
        let mut file = &b"abc\nabcd\nab"[..];
        let mut line = Vec::new();
        assert_eq!(read(&mut file, 4, &mut line).unwrap(), LineRead::Whole);
        assert_eq!(line, b"abc\n");
        assert_eq!(read(&mut file, 4, &mut line).unwrap(), LineRead::TooLong);
        assert_eq!(read(&mut file, 4, &mut line).unwrap(), LineRead::Whole, "what is left of it");
        assert_eq!(read(&mut file, 4, &mut line).unwrap(), LineRead::Unended);
        assert_eq!(read(&mut file, 4, &mut line).unwrap(), LineRead::End);
    }
}
