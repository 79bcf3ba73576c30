//! What of a persistent map is not as it was.

use imbl::{OrdMap, ordmap::DiffItem};

/// The keys whose values differ, or that only one of both has, in order. What both share is not looked at, so two states
/// of one large aggregate are compared at the cost of what happened in between.
pub fn changed<K: Ord + Clone, V: PartialEq>(before: &OrdMap<K, V>, after: &OrdMap<K, V>) -> Vec<K> {
    let differing = before.diff(after).map(|item| match item {
        DiffItem::Add(key, _) | DiffItem::Remove(key, _) | DiffItem::Update { new: (key, _), .. } => {
            key.clone()
        }
    });
    differing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_went_or_became_something_else_has_changed() {
        let before: OrdMap<u32, char> = [(1_u32, 'a'), (2, 'b'), (3, 'c')].into_iter().collect();
        let after: OrdMap<u32, char> = [(1_u32, 'a'), (3, 'd'), (4, 'e')].into_iter().collect();
        assert_eq!(changed(&before, &after), [2, 3, 4]);
        assert_eq!(changed(&before, &before.clone()), [0; 0]);
    }
}
