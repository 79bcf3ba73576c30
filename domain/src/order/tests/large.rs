//! A large order: its cost must follow what changes, not how much there is.

use std::time::{Duration, Instant};

use super::{acknowledged, complete, start};
use crate::{
    decider::{Decider, apply, handle},
    order::{OrderStatus, line::LineNumber},
    testing::order::requests::{company_line, device, line, numbers, site, user},
};

const USERS: u32 = 5_000;
const FIRST_USER: u32 = 4;
const DEVICES: u32 = 4_000;

#[test]
fn a_5000_user_order_is_worked_through_in_time_that_follows_its_size() {
    let began = Instant::now();
    let mut lines = vec![company_line(), numbers(USERS), site(&[2])];
    lines.extend((0..USERS).map(|_| user(line(3), Some(2))));
    lines.extend((0..DEVICES).map(|of| device(line(FIRST_USER + of))));
    let given = acknowledged(lines);
    let (mut order, context) = (given.state().clone(), given.context());
    // Work as it comes: whatever is ready is started and completed, and what follows becomes ready.
    let mut steps = 0_u32;
    while let Some(LineNumber(next)) = order.graph().and_then(|lines| lines.ready().next()) {
        for command in [start(next), complete(next)] {
            for event in handle(&order, &command, context).unwrap() {
                order = apply(order, &event).unwrap();
                steps += 1;
            }
        }
    }
    assert_eq!(steps, 2 * (3 + USERS + DEVICES) + 1);
    assert_eq!(order.status(), OrderStatus::Completed);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}
