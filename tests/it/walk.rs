//! (placeholder while the helpers are tried out)
use crate::{invariants::Audit, world::*};
#[tokio::test]
async fn smoke() {
    for store in [Store::memory().await, Store::sqlite()] {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        world.settle().await;
        let _company = world.in_service(reseller, 1).await;
        Audit::of(&world.engine).await;
    }
}
