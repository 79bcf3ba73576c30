//! Endpoints that answer at once, and then not at all.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// What one reseller may have.
const HOOKS: usize = 20;
/// Of each of which a notice may be on its way to each of them.
const COMPANIES: u32 = 16;

#[tokio::test]
async fn endpoints_that_were_brisk_and_hang_do_not_delay_another() {
    let patient = Duration::from_mins(1);
    let settings = delivery::Settings { read_within: patient, answer_within: patient, ..here() };
    let site = over(&Arc::new(Store::memory().await), settings).await;
    site.world.stock("0113 496 0000-0999", "Leeds").await;
    let (_, client, many) = companies(&site, 1, COMPANIES).await;
    let (_, of_other, one) = companies(&site, 2, 1).await;
    let hangs = Arc::new(AtomicBool::new(false));
    let they_hang = Arc::clone(&hangs);
    let hanging = Receiver::replying(move |_| {
        if they_hang.load(Ordering::SeqCst) { Reply::Silence } else { Reply::Status(204, "") }
    })
    .await;
    let healthy = Receiver::open().await;
    for _ in 0..HOOKS {
        hooked(&client, &hanging.url).await;
    }
    hooked(&of_other, &healthy.url).await;
    let tell_all = async || {
        for company in &many {
            tell_two(&site.world, *company).await;
        }
    };
    tell_all().await;
    tell_two(&site.world, one[0]).await;
    let all = HOOKS * many.len() * 2;
    hanging.took(all).await;
    healthy.took(2).await;

    hangs.store(true, Ordering::SeqCst);
    tell_all().await;
    // As many as were ever let go at once.
    hanging.until(|heard| heard.len() >= all + 250).await;
    let begun = std::time::Instant::now();
    tell_two(&site.world, one[0]).await;
    healthy.took(4).await;
    // Long before the first of those that hang is given up.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(hanging.taken().len(), all);
    drop(hanging);
    site.close().await;
}

#[tokio::test]
async fn an_endpoint_that_was_never_heard_of_does_not_wait_for_many_that_hang() {
    const RESELLERS: u32 = 4;
    let patient = Duration::from_mins(1);
    let settings = delivery::Settings { read_within: patient, answer_within: patient, ..here() };
    let site = over(&Arc::new(Store::memory().await), settings).await;
    site.world.stock("0113 496 0000-0999", "Leeds").await;
    let hanging = Receiver::replying(|_| Reply::Silence).await;
    let mut many = Vec::new();
    for n in 1..=RESELLERS {
        let (_, client, of_one) = companies(&site, n, 2).await;
        for _ in 0..HOOKS {
            hooked(&client, &hanging.url).await;
        }
        many.extend(of_one);
    }
    let (_, client, one) = companies(&site, RESELLERS + 1, 1).await;
    let healthy = Receiver::open().await;
    hooked(&client, &healthy.url).await;
    for company in &many {
        tell_two(&site.world, *company).await;
    }
    // As many slow ones as there may be.
    hanging.until(|heard| heard.len() >= 128).await;
    let begun = std::time::Instant::now();
    tell_two(&site.world, one[0]).await;
    healthy.took(2).await;
    // Long before the first of those that hang is given up.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    drop(hanging);
    site.close().await;
}
