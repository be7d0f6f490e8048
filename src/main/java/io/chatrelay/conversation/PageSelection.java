package io.chatrelay.conversation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * The rows of a page: as many as fit into both limits, but at least one, whatever its size. They are selected by their sizes, before any row is
 * loaded.
 *
 * @param ids  of the rows, in the order of the list
 * @param more whether further rows exist
 */
public record PageSelection(List<UUID> ids, boolean more) {

    /** @param sizes of the rows in the order of the list; {@code limit} + 1 rows if that many exist */
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
