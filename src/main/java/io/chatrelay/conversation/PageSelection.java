package io.chatrelay.conversation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * The rows of a list that make up a page: as many as fit into both bounds, and one however large it is. They are chosen by their sizes, before
 * any of them is loaded.
 *
 * @param ids  of the rows, in the order of the list
 * @param more whether there are further rows
 */
public record PageSelection(List<UUID> ids, boolean more) {

    /** @param sizes of the rows in the order of the list, of one more than {@code limit} where there are as many */
    public static PageSelection of(Map<UUID, Long> sizes, int limit, long maxBytes) {
        List<UUID> ids = new ArrayList<>();
        long bytes = 0;
        for (Map.Entry<UUID, Long> size : sizes.entrySet()) {
            bytes += size.getValue();
            if (ids.size() == limit || !ids.isEmpty() && bytes > maxBytes) {
                break;
            }
            ids.add(size.getKey());
        }
        return new PageSelection(ids, ids.size() < sizes.size());
    }
}
