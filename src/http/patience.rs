//! Patience with whoever does not read what it is sent: a connection that takes nothing for too long is cut off.
//!
//! Nothing is waited for while nothing is to be sent, so an idle stream costs nothing here and stays.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// A connection that must take what it is sent in time.
#[derive(Debug)]
pub struct Patient<T> {
    connection: T,
    within: Duration,
    /// Runs while something waits to be taken.
    until: Option<Pin<Box<Sleep>>>,
}

impl<T> Patient<T> {
    /// A connection that may stand still for so long.
    pub fn new(connection: T, within: Duration) -> Self {
        Self { connection, within, until: None }
    }

    /// What became of sending, or that it took too long.
    fn bounded<R>(&mut self, context: &mut Context<'_>, sent: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if sent.is_ready() {
            self.until = None;
            return sent;
        }
        let within = self.within;
        let until = self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        until.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.connection).poll_write(context, bytes);
        self.bounded(context, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.connection).poll_write_vectored(context, bytes);
        self.bounded(context, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.connection).poll_flush(context);
        self.bounded(context, sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.connection).poll_shutdown(context);
        self.bounded(context, sent)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const WITHIN: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_nothing_is_cut_off_and_whoever_is_slow_is_not() {
        let (server, mut reader) = tokio::io::duplex(8);
        let mut server = Patient::new(server, WITHIN);
        server.write_all(b"12345678").await.unwrap();
        let begun = tokio::time::Instant::now();
        let slow = async {
            for _ in 0..4 {
                tokio::time::sleep(WITHIN / 2).await;
                reader.read_u16().await.unwrap();
            }
        };
        let (sent, ()) = tokio::join!(server.write_all(b"abcdefgh"), slow);
        sent.unwrap();
        assert!(begun.elapsed() > WITHIN, "each part of it was taken in time, if not the whole");
        // Nothing is to be sent for longer than that, and then something again.
        tokio::time::sleep(WITHIN * 2).await;
        let begun = tokio::time::Instant::now();
        assert_eq!(server.write_all(b"x").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), WITHIN);
    }
}
