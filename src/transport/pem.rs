//! Parses certificates in PEM, and fails rather than skip one.
//!
//! The format is that of [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468). ureq's parser skips
//! blocks that it cannot read, which would show up only when a connection fails.
//!
//! `ClientBuilder::root_certificates_pem` and the variable `CONFLUENT_METRICS_CA_FILE` lead here,
//! by way of [`TlsRoots::from_pem`](super::config::TlsRoots::from_pem). The text of a file:
//!
//! ```text
//! # Comments may precede a certificate.
//! -----BEGIN CERTIFICATE-----
//! MIIBszCCAVmgAwIBAgIUQ…
//! -----END CERTIFICATE-----
//! ```
//!
//! It works in these steps:
//!
//! 1. Split the text at its BEGIN lines.
//! 2. Decode the base64 of each block, and check the length of the result.
//! 3. Count the BEGIN and END lines, to notice a damaged one.
//!
//! rustls parses the content of a certificate later.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::util::text::sanitize_line;

/// Returns the DER of every certificate in `pem`, in order.
///
/// Text around the certificates is ignored, and so is white space within their base64.
///
/// # Errors
///
/// `InvalidInput`, with the number of the certificate, if one of them cannot be parsed. Signatures
/// and dates are not verified.
pub(crate) fn parse_certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    parse(&String::from_utf8_lossy(pem))
        .map_err(|reason| Error::invalid_input(format!("invalid root certificates: {reason}")))
}

/// Does the work of [`parse_certificates`]. The error is the reason without its context.
fn parse(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut certificates = Vec::new();
    // The text before the first BEGIN line is no certificate.
    for block in text.split("-----BEGIN").skip(1) {
        let number = certificates.len() + 1;
        let der = parse_block(block).map_err(|reason| format!("certificate {number}: {reason}"))?;
        certificates.push(der);
    }
    // A damaged line, such as one with other dashes, would hide a certificate.
    let count = certificates.len();
    let begins = text.matches("BEGIN CERTIFICATE").count();
    let ends = text.matches("END CERTIFICATE").count();
    if begins != count || ends != count {
        return Err("BEGIN and END lines do not match".into());
    }
    if certificates.is_empty() {
        return Err("missing -----BEGIN CERTIFICATE-----".into());
    }
    Ok(certificates)
}

/// Decodes a block, which starts after `-----BEGIN`.
///
/// The block may contain more text after its END line, which is ignored. The error is the reason.
fn parse_block(block: &str) -> Result<Vec<u8>, String> {
    let line = block.split(['\r', '\n']).next().unwrap_or("");
    let Some((label, _)) = line.split_once("-----") else {
        return Err("invalid BEGIN line".into());
    };
    if label != " CERTIFICATE" {
        return Err(format!(
            "expected CERTIFICATE, found {}",
            sanitize_line(label, 40)
        ));
    }
    let body = &block[label.len() + "-----".len()..];
    let Some((body, _)) = body.split_once("-----END CERTIFICATE-----") else {
        return Err("missing END line".into());
    };
    let base64: Vec<u8> = body
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let der = STANDARD.decode(base64).map_err(|_| "invalid base64")?;
    if !is_sequence(&der) {
        return Err("invalid DER length".into());
    }
    Ok(der)
}

/// Returns true if `der` is exactly one SEQUENCE, as in
/// [ITU-T X.690, section 8.1](https://www.itu.int/rec/T-REC-X.690).
///
/// A certificate is a SEQUENCE (tag `0x30`). The check finds a truncated file without a parser:
///
/// ```text
/// 30 03 …              length 3, in the short form
/// 30 82 01 f4 …        length 500, in two more bytes
/// ```
fn is_sequence(der: &[u8]) -> bool {
    match *der {
        [0x30, length @ 0..=0x7f, ref content @ ..] => content.len() == usize::from(length),
        [0x30, 0x81, a, ref content @ ..] => content.len() == usize::from(a),
        [0x30, 0x82, a, b, ref content @ ..] => {
            content.len() == usize::from(u16::from_be_bytes([a, b]))
        }
        [0x30, 0x83, a, b, c, ref content @ ..] => {
            u32::try_from(content.len()) == Ok(u32::from_be_bytes([0, a, b, c]))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(header: &[u8], length: usize) -> Vec<u8> {
        [header, &vec![1; length]].concat()
    }

    fn block(der: &[u8]) -> String {
        let base64 = STANDARD.encode(der);
        let lines: Vec<_> = base64
            .as_bytes()
            .chunks(64)
            .map(String::from_utf8_lossy)
            .collect();
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            lines.join("\n")
        )
    }

    #[test]
    fn the_outer_length_of_a_certificate_is_checked() {
        for (header, length) in [
            (&[0x30, 0x00][..], 0),
            (&[0x30, 0x7f], 127),
            (&[0x30, 0x81, 0x80], 128),
            (&[0x30, 0x82, 0x01, 0x00], 256),
            (&[0x30, 0x82, 0xff, 0xff], 65_535),
            (&[0x30, 0x83, 0x01, 0x00, 0x00], 65_536),
        ] {
            let der = sequence(header, length);
            assert!(is_sequence(&der), "{header:x?}");
            assert_eq!(
                parse(&block(&der)).unwrap(),
                [der.as_slice()],
                "{header:x?}"
            );
            assert!(!is_sequence(&sequence(header, length + 1)), "{header:x?}");
            assert!(!is_sequence(&der[..der.len() - 1]), "{header:x?}");
        }
        for der in [
            &[][..],
            &[0x30],
            &[0x31, 0x00],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x82, 0x01],
        ] {
            assert!(!is_sequence(der), "{der:x?}");
        }
    }

    /// Damages each character of a bundle in turn.
    #[test]
    fn no_certificate_is_lost_without_an_error() {
        let bundle = format!(
            "# a\n{}b\n\n{}{}",
            block(&sequence(&[0x30, 0x20], 32)),
            block(&sequence(&[0x30, 0x81, 0x90], 144)),
            block(&sequence(&[0x30, 0x05], 5)),
        );
        assert_eq!(parse(&bundle).unwrap().len(), 3);
        let mut accepted = 0;
        for at in 0..bundle.len() {
            let (before, after) = bundle.split_at(at);
            let rest = &after[1..];
            let mut variants = vec![
                format!("{before}{rest}"),
                before.to_owned(),
                after.to_owned(),
            ];
            for inserted in [
                "-",
                "\n",
                "\r",
                " ",
                "A",
                "=",
                "\u{feff}",
                "\0",
                "-----",
                "BEGIN CERTIFICATE",
            ] {
                variants.push(format!("{before}{inserted}{rest}"));
                variants.push(format!("{before}{inserted}{after}"));
            }
            for text in variants {
                if let Ok(certificates) = parse(&text) {
                    accepted += 1;
                    let lines = text.matches("BEGIN CERTIFICATE").count();
                    assert_eq!(certificates.len(), lines, "{text}");
                    // Only text that is cut off at either end may be missing.
                    assert!(
                        lines == 3 || bundle.ends_with(&text) || bundle.starts_with(&text),
                        "{text}"
                    );
                }
            }
        }
        assert!(accepted > 1000, "{accepted}");
    }
}
