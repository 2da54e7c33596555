//! All pages of a database and its log, and the rows in them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::super::schema;
use super::cell::{Cell, MAX_PAYLOAD, Row, cells, columns};
use super::found::Found;
use super::log;
use super::place::{Image, PAGE, Place};

/// A database's two files.
pub struct Pages {
    database: File,
    log: Option<File>,
    /// The newest picture of the pages that are in the log.
    newest: HashMap<u32, Image>,
    images: Vec<Image>,
}

impl Pages {
    /// The pages of the database at `file`.
    ///
    /// # Errors
    ///
    /// When the file can't be read.
    pub fn open(file: &Path) -> io::Result<Self> {
        let database = File::open(file)?;
        let pages = database.metadata()?.len().div_ceil(PAGE);
        let mut images: Vec<Image> = (0..pages)
            .map(|page| Image {
                is_in_log: false,
                at: page * PAGE,
            })
            .collect();
        let mut log = File::open(schema::beside(file, "-wal")).ok();
        let newest = match &mut log {
            Some(log) => log::read_log(log, &mut images)?,
            None => HashMap::new(),
        };
        Ok(Self {
            database,
            log,
            newest,
            images,
        })
    }

    /// Everything that is whole.
    ///
    /// # Errors
    ///
    /// When the files can't be read; what is in them is never one.
    pub fn scan(&mut self) -> io::Result<Found> {
        let mut found = Found::default();
        for at in 0..self.images.len() {
            let Some(&image) = self.images.get(at) else {
                break;
            };
            let page = self.page(image)?;
            // The first page begins with the file's header.
            let start = if image
                == (Image {
                    is_in_log: false,
                    at: 0,
                }) {
                100
            } else {
                0
            };
            for cell in 0..cells(&page, start) {
                if let Some((id, row)) = self.row(&page, start, cell)? {
                    found.take(id, row, Place { image, cell });
                }
            }
        }
        found.finish();
        Ok(found)
    }

    /// The row at `place`.
    ///
    /// # Errors
    ///
    /// When the files can't be read.
    pub fn read(&mut self, place: Place) -> io::Result<Option<Row>> {
        let page = self.page(place.image)?;
        Ok(self.row(&page, 0, place.cell)?.map(|(_, row)| row))
    }

    fn page(&mut self, image: Image) -> io::Result<Vec<u8>> {
        let file = match &mut self.log {
            Some(log) if image.is_in_log => log,
            _ => &mut self.database,
        };
        file.seek(SeekFrom::Start(image.at))?;
        let mut page = Vec::new();
        file.take(PAGE).read_to_end(&mut page)?;
        page.resize(PAGE as usize, 0);
        Ok(page)
    }

    /// The number and the columns of a cell; `None` when it is no row.
    fn row(&mut self, page: &[u8], start: usize, cell: usize) -> io::Result<Option<(i64, Row)>> {
        let Some(shape) = Cell::of(page, start, cell) else {
            return Ok(None);
        };
        let mut payload = shape.local.to_vec();
        let mut next = shape.overflow;
        let mut hops = 0;
        while payload.len() < shape.bytes {
            let at = u64::from(next.wrapping_sub(1)) * PAGE;
            let in_database = Image {
                is_in_log: false,
                at,
            };
            let image = self.newest.get(&next).copied().unwrap_or(in_database);
            hops += 1;
            if next == 0 || hops > MAX_HOPS {
                return Ok(None);
            }
            let page = self.page(image)?;
            let Some((head, content)) = page.split_first_chunk::<4>() else {
                return Ok(None);
            };
            let missing = shape.bytes - payload.len();
            payload.extend_from_slice(
                content
                    .get(..missing.min(content.len()))
                    .unwrap_or_default(),
            );
            next = u32::from_be_bytes(*head);
        }
        Ok(columns(&payload).map(|row| (shape.rowid, row)))
    }
}

/// As many pages as the largest row has.
const MAX_HOPS: usize = MAX_PAYLOAD / PAGE as usize;
