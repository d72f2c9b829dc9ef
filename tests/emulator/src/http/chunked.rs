//! A body in chunks, whole or broken.

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By its length.
    Length,
    Chunks,
    /// After the first chunk comes something that is no length.
    BrokenChunks,
    /// The last chunk, the empty one, is left out.
    UnfinishedChunks,
    /// By the end of the connection alone.
    Close,
}

/// A body as it is put on the wire: in three chunks where there is enough of it.
pub(crate) fn framed(body: Vec<u8>, framing: Framing) -> Vec<u8> {
    if matches!(framing, Framing::Length | Framing::Close) {
        return body;
    }
    let mut framed = Vec::new();
    let size = body.len().div_ceil(3).max(1);
    let head = |place: usize, length: usize| match framing {
        Framing::BrokenChunks if place > 0 => "no length\r\n".to_owned(),
        _ => format!("{length:x}\r\n"),
    };
    for (place, chunk) in body.chunks(size).enumerate() {
        framed.extend_from_slice(head(place, chunk.len()).as_bytes());
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
    }
    if framing != Framing::UnfinishedChunks {
        framed.extend_from_slice(head(body.len(), 0).as_bytes());
        framed.extend_from_slice(b"\r\n");
    }
    framed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str, framing: Framing) -> String {
        String::from_utf8(framed(body.as_bytes().to_vec(), framing)).expect("text")
    }

    #[test]
    fn every_framing_of_a_body() {
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
        assert_eq!(
            text("a", Framing::BrokenChunks),
            "1\r\na\r\nno length\r\n\r\n"
        );
        assert_eq!(text("", Framing::Chunks), "0\r\n\r\n");
    }
}
