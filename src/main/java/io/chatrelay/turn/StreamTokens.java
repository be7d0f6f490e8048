package io.chatrelay.turn;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.Optional;
import java.util.UUID;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;

import org.hibernate.Session;

import io.chatrelay.conversation.Conversation;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Scope;

/**
 * Tokens that let a reader without an API key read the stream of one conversation or one turn for some minutes. Only their digests are stored, so a
 * copy of the table gives no access.
 */
@ApplicationScoped
public class StreamTokens {

    /** A new token. It is returned only here. */
    public record Issued(String token, Instant expiresAt) {}

    /**
     * The access that a token grants.
     *
     * @param caller that created it
     * @param turn   the only readable turn, or null for every turn of the conversation
     */
    public record Grant(String tenant, String caller, String conversation, UUID turn) {}

    /** 256 bits: a token cannot be guessed. */
    private static final int TOKEN_BYTES = 32;
    /** Each new token deletes more rows than it adds, so the table does not grow without limit, and no call performs a long sweep. */
    private static final int MOST_SWEPT = 100;
    private static final String SWEEP = """
            delete from stream_token where digest in (
                select digest from stream_token where expires_at < clock_timestamp()
                order by expires_at limit %d for update skip locked)""".formatted(MOST_SWEPT);
    /** Waits for a conversation that is being deleted, and then does not find it. */
    private static final String INSERT = """
            insert into stream_token (digest, tenant, caller, conversation_id, turn_id, expires_at)
            select ?, c.tenant, ?, c.id, ?::uuid, clock_timestamp() + ? * interval '1 millisecond'
            from conversation c where c.id = ? for key share
            returning expires_at""";
    private static final String FIND = """
            select t.tenant, t.caller, c.external_id, t.turn_id
            from stream_token t join conversation c on c.id = t.conversation_id
            where t.digest = ? and t.expires_at > clock_timestamp()""";

    private final Conversation.Repository conversations;
    private final TurnRow.Repository turns;

    StreamTokens(Conversation.Repository conversations, TurnRow.Repository turns) {
        this.conversations = conversations;
        this.turns = turns;
    }

    /**
     * Creates a token for a stream of a conversation in the scope.
     *
     * @param turnId the only turn to which it grants access, or null for every turn
     */
    @Transactional
    public Issued issue(Scope scope, String caller, String conversationId, UUID turnId, Duration lifetime) {
        Conversation conversation = conversations.of(scope, conversationId).orElseThrow(StreamTokens::missing);
        if (turnId != null) {
            turns.inConversation(conversation.id, turnId)
                    .orElseThrow(() -> ChatException.notFound("turnId", "turnId names no turn of this conversation."));
        }
        String token = random();
        Instant expiresAt = session().doReturningWork(connection -> {
            sweep(connection);
            return insert(connection, digest(token), caller, conversation.id, turnId, lifetime);
        });
        return new Issued(token, Optional.ofNullable(expiresAt).orElseThrow(StreamTokens::missing));
    }

    /** The access that a token grants; empty if the token is unknown or has expired by the database's clock. */
    @Transactional
    public Optional<Grant> find(String token) {
        return session().doReturningWork(connection -> {
            try (PreparedStatement select = connection.prepareStatement(FIND)) {
                select.setBytes(1, digest(token));
                ResultSet found = select.executeQuery();
                return found.next()
                        ? Optional.of(new Grant(found.getString(1), found.getString(2), found.getString(3),
                                found.getObject(4, UUID.class)))
                        : Optional.empty();
            }
        });
    }

    private static void sweep(Connection connection) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement(SWEEP)) {
            delete.executeUpdate();
        }
    }

    /** @return when it expires, or null if the conversation no longer exists */
    private static Instant insert(Connection connection, byte[] digest, String caller, UUID conversation, UUID turn,
            Duration lifetime) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
            insert.setBytes(1, digest);
            insert.setString(2, caller);
            insert.setObject(3, turn, Types.OTHER);
            insert.setLong(4, lifetime.toMillis());
            insert.setObject(5, conversation);
            ResultSet inserted = insert.executeQuery();
            return inserted.next() ? inserted.getObject(1, OffsetDateTime.class).toInstant() : null;
        }
    }

    private Session session() {
        return conversations.getEntityManager().unwrap(Session.class);
    }

    private static ChatException missing() {
        return ChatException.notFound("There is no such conversation.");
    }

    private static String random() {
        byte[] bytes = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static byte[] digest(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
