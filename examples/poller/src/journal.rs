//! The file with the points, which also holds the position of the poller.
//!
//! A round is appended with a last line that commits it. A round without that line was cut short,
//! for example by a crash or a full disk, and is removed when the file is opened.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use confluent_metrics::Timestamp;

/// The first line of every file. No other file is changed.
const HEADER: &str = "# points of confluent-metric-poller\n";

/// The start of the line that ends a round.
const COMMIT: &str = "# until ";

/// The file with the points.
pub(crate) struct Journal {
    file: File,
    /// The end of the last bucket of the last round.
    position: Option<Timestamp>,
    /// The length of the rounds that are complete.
    length: u64,
}

impl Journal {
    /// Opens or creates a file, and removes a round that is not complete.
    ///
    /// # Errors
    ///
    /// `InvalidData` if the file is not one of a poller.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        if HEADER.starts_with(&text) {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(HEADER.as_bytes())?;
            HEADER.clone_into(&mut text);
        }
        if !text.starts_with(HEADER) {
            let message = format!("{} is not a file of a poller", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let mut journal = Self {
            file,
            position: None,
            length: HEADER.len() as u64,
        };
        let mut end = 0;
        for line in text.split_inclusive('\n') {
            end += line.len() as u64;
            let time = line
                .strip_prefix(COMMIT)
                .and_then(|rest| rest.strip_suffix('\n'));
            if let Some(time) = time {
                journal.position = Some(time.parse().map_err(io::Error::other)?);
                journal.length = end;
            }
        }
        journal.remove_incomplete_round()?;
        Ok(journal)
    }

    /// Returns the end of the last bucket that the file has, if it has one.
    pub(crate) const fn position(&self) -> Option<Timestamp> {
        self.position
    }

    /// Appends the points of the buckets until `end`, all of them or none.
    pub(crate) fn append(
        &mut self,
        lines: &[(Timestamp, String)],
        end: Timestamp,
    ) -> io::Result<()> {
        let mut text = String::new();
        for (time, line) in lines {
            text += &format!("{time} {line}\n");
        }
        text += &format!("{COMMIT}{end}\n");
        self.file.write_all(text.as_bytes())?;
        // The commit counts only if it is on the disk.
        self.file.sync_data()?;
        self.position = Some(end);
        self.length += text.len() as u64;
        Ok(())
    }

    fn remove_incomplete_round(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        Ok(())
    }
}
