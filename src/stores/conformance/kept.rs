//! What is kept beside the events: snapshots, data keys and settings.

use super::{
    Outcome,
    fixture::{append, events, must_append, order, picture, wrapped},
};
use crate::engine::log::{CommitRefusal, LoadedEvent, SharedLog, Snapshot, StoredEvent, Sweep, Verdict};

fn snapshot(n: u128, sequence: u64, fingerprint: &str) -> Snapshot {
    Snapshot {
        stream: order(n),
        sequence,
        fingerprint: fingerprint.into(),
        state: format!("{{\"at\": {sequence}}}"),
    }
}

/// Streams with and without a snapshot, in the order asked.
pub async fn a_load_is_a_snapshot_and_every_event_after_it(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 5).and_events(order(2), 0, 2)).await?;
    must_append(&*log, events(order(1), 5, 2)).await?;
    log.keep_snapshots(&[snapshot(1, 5, "v1"), snapshot(3, 7, "v1")]).await?;

    let loads = log.load(&[(order(2), "v1"), (order(1), "v1"), (order(9), "v1")]).await?;
    let sequences: Vec<Vec<u64>> =
        loads.iter().map(|load| load.events.iter().map(|event| event.sequence).collect()).collect();
    assert_eq!(sequences, [vec![1, 2], vec![6, 7], vec![]]);
    let stored = log.stream(order(1), 5, 10).await?;
    let read = |event: &StoredEvent| LoadedEvent {
        sequence: event.sequence,
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        payload: event.payload.clone(),
    };
    assert_eq!(loads[1].events, stored.iter().map(read).collect::<Vec<_>>());
    let snapshots: Vec<_> = loads.into_iter().map(|load| load.snapshot).collect();
    assert_eq!(snapshots, [None, Some(snapshot(1, 5, "v1")), None]);
    assert_eq!(log.load(&[]).await?, []);
    Ok(())
}

/// A state of another shape is worth nothing.
pub async fn a_snapshot_of_another_fingerprint_is_not_used(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 3)).await?;
    log.keep_snapshots(&[snapshot(1, 2, "v1")]).await?;
    let loads = log.load(&[(order(1), "v2")]).await?;
    assert_eq!(loads[0].snapshot, None);
    assert_eq!(loads[0].events.len(), 3);
    log.keep_snapshots(&[snapshot(1, 3, "v2")]).await?;
    let loads = log.load(&[(order(1), "v2")]).await?;
    assert_eq!(loads[0].snapshot, Some(snapshot(1, 3, "v2")));
    assert_eq!(loads[0].events, []);
    Ok(())
}

/// Snapshots may be written late and in any order.
pub async fn an_older_snapshot_never_replaces_a_later_one(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 9)).await?;
    log.keep_snapshots(&[snapshot(1, 6, "v1")]).await?;
    log.keep_snapshots(&[snapshot(1, 4, "v1"), snapshot(1, 5, "v1")]).await?;
    assert_eq!(log.load(&[(order(1), "v1")]).await?[0].snapshot, Some(snapshot(1, 6, "v1")));
    log.keep_snapshots(&[snapshot(1, 7, "v1"), snapshot(1, 3, "v1")]).await?;
    assert_eq!(log.load(&[(order(1), "v1")]).await?[0].snapshot, Some(snapshot(1, 7, "v1")));
    Ok(())
}

/// A key lives and dies with the events that say so.
pub async fn a_data_key_is_made_and_destroyed_with_its_events(log: SharedLog) -> Outcome {
    assert_eq!(log.data_key("com_1").await?, None);
    must_append(&*log, events(order(1), 0, 1).making("com_1")).await?;
    assert_eq!(log.data_key("com_1").await?, Some(wrapped("com_1")));

    let [refused] = append(&*log, [events(order(1), 0, 1).making("com_2").destroying("com_1")]).await?;
    assert!(matches!(refused, Verdict::Refused(CommitRefusal::Moved { .. })));
    assert_eq!(log.data_key("com_1").await?, Some(wrapped("com_1")));
    assert_eq!(log.data_key("com_2").await?, None);

    must_append(&*log, events(order(1), 1, 1).destroying("com_1")).await?;
    assert_eq!(log.data_key("com_1").await?, None);
    let before = picture(&log).await?;
    for gone in [events(order(1), 2, 1).making("com_1"), events(order(1), 2, 1).destroying("com_1")] {
        let [refused] = append(&*log, [gone]).await?;
        assert!(matches!(refused, Verdict::Refused(CommitRefusal::Unforeseen(_))), "{refused:?}");
    }
    assert_eq!(log.data_key("com_1").await?, None);
    assert_eq!(picture(&log).await?, before);
    Ok(())
}

/// A key that is not known comes back from a backup, one that was destroyed does not, and both can be destroyed again.
pub async fn keys_come_back_where_they_are_missing_and_are_destroyed_again(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 1).making("com_1")).await?;
    must_append(&*log, events(order(1), 1, 1).making("com_2")).await?;
    must_append(&*log, events(order(1), 2, 1).making("com_3").destroying("com_2")).await?;
    assert_eq!(log.data_keys("", 10).await?, [wrapped("com_1"), wrapped("com_3")]);
    assert_eq!(log.data_keys("com_1", 1).await?, [wrapped("com_3")]);
    assert_eq!(log.data_keys("com_3", 1).await?, []);

    let kept = ["com_1", "com_2", "com_4"].map(wrapped);
    assert_eq!(log.restore_keys(&kept).await?, 1);
    assert_eq!(log.data_keys("", 10).await?, ["com_1", "com_3", "com_4"].map(wrapped));

    let ids = ["com_2", "com_4", "com_5"].map(str::to_owned);
    assert_eq!(log.destroy_keys(&ids).await?, 1);
    assert_eq!(log.destroy_keys(&ids).await?, 0);
    for sweep in [Sweep::Light, Sweep::Whole] {
        log.sweep(sweep).await?;
    }
    assert_eq!(log.data_keys("", 10).await?, ["com_1", "com_3"].map(wrapped));
    assert_eq!(log.data_key("com_4").await?, None);
    Ok(())
}

/// The first to settle wins, and everybody learns what won.
pub async fn a_setting_keeps_its_first_value(log: SharedLog) -> Outcome {
    assert_eq!(log.setting("check").await?, None);
    assert_eq!(log.settle("check", "first").await?, "first");
    assert_eq!(log.settle("check", "second").await?, "first");
    assert_eq!(log.setting("check").await?.as_deref(), Some("first"));
    assert_eq!(log.setting("other").await?, None);
    Ok(())
}
