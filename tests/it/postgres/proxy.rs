//! A wire between a store and its server that can be cut at a chosen message.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Request,
    Answer,
}

/// What happens to the message at which the fuse blows: it is never delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both ends see the connection close.
    Cut,
    /// Nobody sees anything any more.
    Freeze,
}

#[derive(Clone, Copy)]
struct Fuse {
    way: Way,
    left: usize,
    fault: Fault,
}

/// Listens on a port of its own and passes everything on to the server.
pub struct Proxy {
    pub port: u16,
    fuse: Arc<Mutex<Option<Fuse>>>,
}

impl Proxy {
    /// A proxy to a port of this machine. Its threads end with the connections they serve.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let fuse = Arc::new(Mutex::new(None));
        let shared = fuse.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                let (client_too, server_too) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (fuse, fuse_too) = (shared.clone(), shared.clone());
                thread::spawn(move || pass(client, server, Way::Request, &fuse));
                thread::spawn(move || pass(server_too, client_too, Way::Answer, &fuse_too));
            }
        });
        Self { port, fuse }
    }

    /// Lets so many messages pass that way, and then blows, once.
    pub fn arm(&self, way: Way, left: usize, fault: Fault) {
        *self.fuse.lock().unwrap() = Some(Fuse { way, left, fault });
    }

    /// Whether the fuse has blown; it is taken out either way.
    pub fn has_blown(&self) -> bool {
        self.fuse.lock().unwrap().take().is_none()
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, way: Way, fuse: &Mutex<Option<Fuse>>) {
    let mut buffer = vec![0; 1 << 20];
    // An end that closes ends the loop, and then the other end is closed too.
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        match blows(way, fuse) {
            Some(Fault::Cut) => break,
            // Both ends stay open: the thread keeps reading and delivers nothing.
            Some(Fault::Freeze) => {
                while let Ok(1..) = from.read(&mut buffer) {}
                break;
            }
            None if to.write_all(&buffer[..count]).is_err() => break,
            None => {}
        }
    }
    for stream in [from, to] {
        // It may be closed already, which is what is wanted.
        if let Err(error) = stream.shutdown(Shutdown::Both) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
        }
    }
}

fn blows(way: Way, fuse: &Mutex<Option<Fuse>>) -> Option<Fault> {
    let mut held = fuse.lock().unwrap();
    let fuse = held.as_mut().filter(|fuse| fuse.way == way)?;
    if fuse.left > 0 {
        fuse.left -= 1;
        return None;
    }
    let fault = fuse.fault;
    *held = None;
    Some(fault)
}
