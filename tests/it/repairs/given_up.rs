//! A caller may give up at any moment: what it had begun for everybody is begun again, not gone on with.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use orderwire::engine::{fulfilment::AutoProvisioner, log::ReaderCommit};

use super::beside;
use crate::{invariants::Audit, world::*};

/// Lets so many pages be applied at once, and then lets its caller wait for one more look.
struct Slow(AtomicUsize);

/// Ready when it is looked at for the second time.
struct SecondLook(bool);

impl Future for SecondLook {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[async_trait]
impl Meddles for Slow {
    async fn apply(&self, _commit: &mut ReaderCommit) {
        if self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            SecondLook(false).await;
        }
    }
}

/// The readers of a whole life are given up between any two of their steps.
#[tokio::test]
async fn a_reader_that_was_given_up_in_the_middle_of_a_page_takes_it_once() {
    for looks in 1..60 {
        let store = Store::memory().await;
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let slow = Arc::new(Slow(AtomicUsize::new(0)));
        let engine = beside(&store, &world, &slow, AutoProvisioner).await;
        engine.settle().await.unwrap();
        let company = world.company(reseller, "Acme").await;
        world.submitted(company, "PO-1", vec![company_line(5), site_with(1, "61", vec![])]).await;

        let mut settling = Box::pin(engine.settle());
        let mut over = false;
        for _ in 0..looks {
            // Between two looks everything else goes on as far as it can.
            over |= settling.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
            if over {
                break;
            }
            super::let_others_run().await;
        }
        drop(settling);
        engine.settle().await.unwrap_or_else(|error| panic!("given up after {looks} looks: {error}"));
        Audit::of(&engine).await;
        if over {
            assert!(looks > 5, "it was given up in the middle of something");
            return;
        }
    }
    panic!("settling takes no end");
}
