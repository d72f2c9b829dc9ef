//! Chunked transfer coding of a body, valid or broken.

/// The means by which a client finds the end of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By `Content-Length`.
    #[default]
    Length,
    Chunks,
    /// In chunks of which only the first has a valid length.
    BrokenChunks,
    /// In chunks without the final empty one.
    UnfinishedChunks,
    /// By the end of the connection.
    Close,
}

/// Returns a body as it is sent: in three chunks if it is long enough.
pub(crate) fn encode(body: Vec<u8>, framing: Framing) -> Vec<u8> {
    if matches!(framing, Framing::Length | Framing::Close) {
        return body;
    }
    let mut encoded = Vec::new();
    let size = body.len().div_ceil(3).max(1);
    for (index, chunk) in body.chunks(size).enumerate() {
        push_chunk(&mut encoded, chunk, framing, index > 0);
    }
    if framing != Framing::UnfinishedChunks {
        push_chunk(&mut encoded, &[], framing, !body.is_empty());
    }
    encoded
}

fn push_chunk(out: &mut Vec<u8>, chunk: &[u8], framing: Framing, is_later: bool) {
    let head = match framing {
        Framing::BrokenChunks if is_later => "no length\r\n".to_owned(),
        _ => format!("{:x}\r\n", chunk.len()),
    };
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(chunk);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str, framing: Framing) -> String {
        String::from_utf8(encode(body.as_bytes().to_vec(), framing)).expect("text")
    }

    #[test]
    fn bodies_are_framed_in_every_way() {
        let body = "abcdefgh";
        assert_eq!(text(body, Framing::Length), body);
        assert_eq!(text(body, Framing::Close), body);
        assert_eq!(
            text(body, Framing::Chunks),
            "3\r\nabc\r\n3\r\ndef\r\n2\r\ngh\r\n0\r\n\r\n"
        );
        assert_eq!(
            text(body, Framing::UnfinishedChunks),
            "3\r\nabc\r\n3\r\ndef\r\n2\r\ngh\r\n"
        );
        let broken = "3\r\nabc\r\nno length\r\ndef\r\nno length\r\ngh\r\nno length\r\n\r\n";
        assert_eq!(text(body, Framing::BrokenChunks), broken);
        let one = text("a", Framing::BrokenChunks);
        assert_eq!(one, "1\r\na\r\nno length\r\n\r\n");
        assert_eq!(text("", Framing::Chunks), "0\r\n\r\n");
    }
}
