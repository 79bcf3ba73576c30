//! What is logged in the thread of a test, where the whole of it happens.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock},
};

use tracing::{Dispatch, Level, subscriber::DefaultGuard};

/// What was logged while somebody listened.
#[derive(Clone, Default)]
pub struct Overheard(Arc<Mutex<Vec<u8>>>);

impl Overheard {
    /// Listens for as long as the answer lives, from this level on.
    pub fn listen(&self, level: Level) -> DefaultGuard {
        // While there is one subscriber alone, whichever thread comes first to a line of the log decides for all whether
        // it is heard, and the others have none.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| {
            let nowhere = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(io::sink);
            Dispatch::new(nowhere.finish())
        });
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(level)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    pub fn has(&self, text: &str) -> bool {
        self.text().contains(text)
    }
}

impl Write for Overheard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
