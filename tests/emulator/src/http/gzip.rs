//! Bodies as gzip: good, broken, and far larger than they look.

use std::io::{self, Write};

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};

/// How much white space is packed at a time.
const BLOCK: usize = 256 * 1024;

/// A body as gzip.
pub(crate) fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// Makes gzip that does not unpack.
pub(crate) fn corrupt(packed: &mut [u8]) {
    // The checksum is in the last eight bytes, so that even a body that still unpacks is found out.
    let from = packed.len() / 2;
    packed.iter_mut().skip(from).for_each(|byte| *byte = !*byte);
}

/// Gzip that unpacks to spaces and then the body, `size` bytes in all.
///
/// Every full block of spaces is the same bytes again, so that neither time nor memory grows with the size
/// as it would for someone who unpacks it.
pub(crate) fn compress_bomb(body: &[u8], size: usize) -> io::Result<Vec<u8>> {
    let spaces = size.saturating_sub(body.len());
    let (block, block_sum) = part(&vec![b' '; BLOCK])?;
    let mut sum = Crc::new();
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for _ in 0..spaces / BLOCK {
        packed.extend_from_slice(&block);
        sum.combine(&block_sum);
    }
    for rest in [&vec![b' '; spaces % BLOCK], body] {
        let (bytes, own) = part(rest)?;
        packed.extend_from_slice(&bytes);
        sum.combine(&own);
    }
    // An empty block that says that it is the last one.
    packed.extend_from_slice(&[3, 0]);
    packed.extend_from_slice(&sum.sum().to_le_bytes());
    packed.extend_from_slice(&sum.amount().to_le_bytes());
    Ok(packed)
}

/// Bytes as deflate that something may follow, and their checksum.
fn part(bytes: &[u8]) -> io::Result<(Vec<u8>, Crc)> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    // Ends on a whole byte, and is not the end.
    encoder.flush()?;
    let mut sum = Crc::new();
    sum.update(bytes);
    Ok((encoder.get_ref().clone(), sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        GzDecoder::new(packed)
            .read_to_end(&mut plain)
            .map(|_| plain)
    }

    #[test]
    fn what_is_packed_unpacks_unless_it_was_spoilt() {
        let mut packed = compress(b"{\"data\":[]}").expect("packed");
        assert_eq!(unpacked(&packed).expect("gzip"), b"{\"data\":[]}");
        corrupt(&mut packed);
        assert!(unpacked(&packed).is_err());
    }

    #[test]
    fn a_bomb_is_small_and_whole() {
        for size in [0, 11, 12, BLOCK + 11, 5 * BLOCK] {
            let packed = compress_bomb(b"{\"data\":[]}", size).expect("packed");
            let plain = unpacked(&packed).expect("gzip");
            assert_eq!(
                (plain.len(), plain.trim_ascii_start()),
                (size.max(11), &b"{\"data\":[]}"[..])
            );
            assert!(packed.len() < 200 + size / 500, "{size}: {}", packed.len());
        }
    }
}
