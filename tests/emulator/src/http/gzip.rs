//! Gzip of bodies: valid, corrupt, and of a large decompressed size.

use std::io::{self, Write};

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};

/// The number of spaces in a block of a bomb.
const BLOCK: usize = 256 * 1024;

/// Compresses a body.
pub(crate) fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// Makes gzip that cannot be decompressed.
pub(crate) fn corrupt(compressed: &mut [u8]) {
    // The last eight bytes hold the checksum, so the damage is always detected.
    let from = compressed.len() / 2;
    compressed
        .iter_mut()
        .skip(from)
        .for_each(|byte| *byte = !*byte);
}

/// Returns gzip that decompresses to `size` bytes: spaces, then the body.
///
/// Every block of spaces compresses to the same bytes, so that neither time nor memory grows
/// as it does for a client that decompresses them.
pub(crate) fn compress_bomb(body: &[u8], size: usize) -> io::Result<Vec<u8>> {
    let spaces = size.saturating_sub(body.len());
    let (block, block_sum) = deflate_block(&vec![b' '; BLOCK])?;
    let mut sum = Crc::new();
    let mut compressed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for _ in 0..spaces / BLOCK {
        compressed.extend_from_slice(&block);
        sum.combine(&block_sum);
    }
    for rest in [&vec![b' '; spaces % BLOCK], body] {
        let (bytes, own) = deflate_block(rest)?;
        compressed.extend_from_slice(&bytes);
        sum.combine(&own);
    }
    // RFC 1951, section 3.2.3: an empty block that is marked as the last.
    compressed.extend_from_slice(&[3, 0]);
    compressed.extend_from_slice(&sum.sum().to_le_bytes());
    compressed.extend_from_slice(&sum.amount().to_le_bytes());
    Ok(compressed)
}

/// Returns deflate that other blocks can follow, and the checksum of the bytes.
fn deflate_block(bytes: &[u8]) -> io::Result<(Vec<u8>, Crc)> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    // A flush ends on a byte border and does not mark the last block.
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

    fn decompress(compressed: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        GzDecoder::new(compressed)
            .read_to_end(&mut plain)
            .map(|_| plain)
    }

    #[test]
    fn gzip_decompresses_unless_it_is_corrupted() {
        let mut compressed = compress(b"{\"data\":[]}").expect("compressed");
        assert_eq!(decompress(&compressed).expect("gzip"), b"{\"data\":[]}");
        corrupt(&mut compressed);
        assert!(decompress(&compressed).is_err());
    }

    #[test]
    fn a_bomb_is_small_and_complete() {
        for size in [0, 11, 12, BLOCK + 11, 5 * BLOCK] {
            let compressed = compress_bomb(b"{\"data\":[]}", size).expect("compressed");
            let plain = decompress(&compressed).expect("gzip");
            assert_eq!(
                (plain.len(), plain.trim_ascii_start()),
                (size.max(11), &b"{\"data\":[]}"[..])
            );
            assert!(
                compressed.len() < 200 + size / 500,
                "{size}: {}",
                compressed.len()
            );
        }
    }
}
