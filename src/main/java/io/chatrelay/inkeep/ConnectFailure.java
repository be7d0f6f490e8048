package io.chatrelay.inkeep;

import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;

import javax.net.ssl.SSLException;

import io.chatrelay.event.Failure;
import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.proxy.ProxyConnectException;
import io.vertx.core.http.ConnectionPoolTooBusyException;

/** Why no connection to an upstream could be made, with a description for operators. */
enum ConnectFailure {

    CERTIFICATE("its certificate is not trusted"),
    TLS("no TLS connection could be agreed on"),
    NAME("its host name is not known"),
    PROXY("the proxy before it refused"),
    TIMEOUT("it did not accept one in time"),
    ROUTE("no route leads to it"),
    REFUSED("it refused one"),
    BUSY("too many turns wait for one"),
    BROKEN("it broke");

    private static final int DEEPEST = 10;

    private final String words;

    ConnectFailure(String words) {
        this.words = words;
    }

    /**
     * The first known reason among the exception and its causes; a certificate failure inside a TLS failure is more specific and takes
     * precedence.
     */
    static ConnectFailure of(Throwable thrown) {
        ConnectFailure found = BROKEN;
        Throwable cause = thrown;
        for (int depth = 0; cause != null && depth < DEEPEST; depth++) {
            ConnectFailure reason = reason(cause);
            if (reason == CERTIFICATE) {
                return reason;
            }
            found = found == BROKEN ? reason : found;
            cause = cause.getCause();
        }
        return found;
    }

    private static ConnectFailure reason(Throwable thrown) {
        return switch (thrown) {
            case CertificateException _,CertPathValidatorException _ -> CERTIFICATE;
            case SSLException _ -> TLS;
            case UnknownHostException _ -> NAME;
            case ProxyConnectException _ -> PROXY;
            case ConnectTimeoutException _ -> TIMEOUT;
            case NoRouteToHostException _ -> ROUTE;
            case ConnectException _ -> REFUSED;
            case ConnectionPoolTooBusyException _ -> BUSY;
            default -> BROKEN;
        };
    }

    String words() {
        return words;
    }

    /** The same for the log, with the setting to look at where an operator's setting is the likely reason. */
    String wordsAndSetting() {
        String setting = switch (this) {
            case CERTIFICATE -> "tls-configuration-name";
            case NAME, REFUSED, ROUTE -> "url";
            case PROXY -> "proxy-configuration-name";
            case TLS, TIMEOUT, BUSY, BROKEN -> null;
        };
        return setting == null ? words : words + ", see chat-relay.upstreams.<name>." + setting;
    }

    /** The turn's failure for this reason. An upstream that is not trusted now will not be trusted a moment later. */
    Failure failure() {
        return Failure.of(
                this == CERTIFICATE || this == TLS ? Failure.Code.UPSTREAM_UNTRUSTED : Failure.Code.UPSTREAM_UNAVAILABLE,
                "No connection to the {upstream} could be made: %s.".formatted(words));
    }
}
