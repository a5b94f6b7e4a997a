//! The name that was probably meant: edit distance with a bound.

/// The candidate nearest to `name`, when it is near enough to be meant: equal without case, or within one change per
/// three characters (at least one). Of equally near ones the first counts.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let folded: Vec<char> = name.to_lowercase().chars().collect();
    // CHOICE: one change per three characters, as compilers do; more suggests names that have nothing in common.
    let most = (folded.len() / 3).max(1);
    let near = candidates.into_iter().filter(|candidate| *candidate != name).filter_map(|candidate| {
        let other: Vec<char> = candidate.to_lowercase().chars().collect();
        (other.len().abs_diff(folded.len()) <= most).then(|| (distance(&folded, &other), candidate))
    });
    near.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one text to the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let cell = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (cell(&row, j + 1) + 1).min(cell(&next, j) + 1).min(cell(&row, j) + usize::from(x != y));
            let swapped = j > 0 && i > 0 && b.get(j - 1) == Some(x) && a.get(i - 1) == Some(y);
            if swapped {
                best = best.min(cell(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    cell(&row, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_ignores_strangers() {
        assert_eq!(nearest("instnaceId", ["regionId", "instanceId"]), Some("instanceId"));
        assert_eq!(nearest("Propertes", ["Outputs", "Properties"]), Some("Properties"));
        assert_eq!(nearest("tasks", ["Outputs", "Tasks"]), Some("Tasks"));
        assert_eq!(nearest("Timeout", ["Name", "Action", "OnError"]), None);
        assert_eq!(nearest("ab", ["xy"]), None);
        assert_eq!(nearest("", ["a", "b"]), Some("a"));
    }

    #[test]
    fn a_swap_counts_once() {
        let chars = |s: &str| s.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("abcd"), &chars("acbd")), 1);
        assert_eq!(distance(&chars("kitten"), &chars("sitting")), 3);
        assert_eq!(distance(&chars(""), &chars("abc")), 3);
    }
}
