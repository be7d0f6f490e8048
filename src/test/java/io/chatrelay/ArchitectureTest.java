package io.chatrelay;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import jakarta.annotation.security.RolesAllowed;
import jakarta.transaction.Transactional;
import jakarta.ws.rs.HttpMethod;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;

import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.inkeep.LocalInkeep;
import io.chatrelay.inkeep.UpstreamsConfig;
import io.chatrelay.journal.EventCodec;
import io.chatrelay.journal.JournalEntry;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;

/** The rooms of the house, and who may enter which. */
@AnalyzeClasses(packages = "io.chatrelay", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    private static final String ROOT = "io.chatrelay";
    private static final String API = ROOT + ".api..";
    private static final String MACHINE = ROOT + ".api";
    private static final String PROTOCOL = ROOT + ".api.protocol";
    private static final String EVENT = ROOT + ".event..";
    private static final String APPROVAL = ROOT + ".approval..";
    private static final String CONVERSATION = ROOT + ".conversation..";
    private static final String TURN = ROOT + ".turn..";
    private static final String UPSTREAM = ROOT + ".upstream..";
    private static final String JOURNAL = ROOT + ".journal..";
    private static final String CLUSTER = ROOT + ".cluster..";
    private static final String INKEEP = ROOT + ".inkeep..";
    private static final String ACCESS = ROOT + ".access..";
    private static final String LIMIT = ROOT + ".limit..";
    private static final String DATABASE = ROOT + ".database..";
    private static final String DEFECT = ROOT + ".defect..";
    private static final String CONFIG = ROOT + ".config..";
    private static final String LOGGING = ROOT + ".logging..";
    private static final String TRACING = ROOT + ".tracing..";
    private static final String DEV = ROOT + ".dev..";
    /** The rooms that hold the rules: of a turn, and of all that it is made of. */
    private static final String[] RULES = { TURN, APPROVAL, CONVERSATION, UPSTREAM, EVENT };
    private static final String[] PERSISTENCE = { "jakarta.persistence..", "org.hibernate..", "io.quarkus.hibernate..",
            "java.sql..", "javax.sql..", "org.postgresql..", "jakarta.transaction..", "io.quarkus.narayana.." };

    /** The room depends on no other room than these: those below it that it needs. */
    private static ArchRule uses(String room, DescribedPredicate<JavaClass> exceptions, String... rooms) {
        String[] allowed = Stream.concat(Stream.of(room), Stream.of(rooms)).toArray(String[]::new);
        return noClasses().that().resideInAPackage(room).should()
                .dependOnClassesThat(resideInAPackage(ROOT + "..").and(not(resideInAnyPackage(allowed))).and(not(exceptions)));
    }

    private static ArchRule uses(String room, String... rooms) {
        return uses(room, belongToAnyOf(), rooms);
    }

    @ArchTest
    static final ArchRule apiUses = uses(API, belongToAnyOf(JournalEntry.class), TURN, APPROVAL, CONVERSATION, UPSTREAM, EVENT,
            LIMIT, ACCESS, DATABASE, DEFECT, CONFIG, LOGGING, TRACING)
            .because("the edge speaks to turns; which upstream answers, and how events are stored, is not its business."
                    + " It is only handed numbered entries");

    @ArchTest
    static final ArchRule inkeepUses = uses(INKEEP, UPSTREAM, EVENT, DEFECT, CONFIG, LOGGING)
            .because("an upstream turns a request into events, and knows neither who asked nor what becomes of them");

    @ArchTest
    static final ArchRule turnUses = uses(TURN, APPROVAL, CONVERSATION, UPSTREAM, EVENT, LIMIT, JOURNAL, CLUSTER, DATABASE,
            DEFECT, CONFIG, LOGGING, TRACING)
            .because("a turn's rules hold whoever asks, over which wire, and whoever answers");

    @ArchTest
    static final ArchRule approvalUses = uses(APPROVAL, CONVERSATION, UPSTREAM, EVENT, JOURNAL, DATABASE, DEFECT, CONFIG,
            LOGGING)
            .because("the ledger knows a turn that waits by an interface of its own");

    @ArchTest
    static final ArchRule conversationUses = uses(CONVERSATION, UPSTREAM, EVENT, DATABASE, CONFIG)
            .because("what runs in a conversation is the business of the room above");

    @ArchTest
    static final ArchRule upstreamUses = uses(UPSTREAM, EVENT).because("a port is what both sides of it can see");

    @ArchTest
    static final ArchRule eventUses = uses(EVENT, belongToAnyOf(EventCodec.class))
            .because("every room speaks of events; they know no room. Their codec is the one that the journal asks for");

    @ArchTest
    static final ArchRule limitUses = uses(LIMIT, EVENT, DATABASE, DEFECT, CONFIG)
            .because("it counts by a caller's name, whatever is counted and over which wire");

    @ArchTest
    static final ArchRule journalUses = uses(JOURNAL, CLUSTER, DATABASE, DEFECT, CONFIG, LOGGING)
            .because("it keeps turns and events, whatever they mean: an effect brings what must become true with them");

    @ArchTest
    static final ArchRule clusterUses = uses(CLUSTER, DATABASE, DEFECT, CONFIG)
            .because("who is alive depends on nothing but the database");

    @ArchTest
    static final ArchRule accessUses = uses(ACCESS, CONFIG).because("who is calling is known before anything is asked");

    @ArchTest
    static final ArchRule databaseUses = uses(DATABASE, CONFIG).because("it is at the bottom of the house");

    @ArchTest
    static final ArchRule tracingUses = uses(TRACING, EVENT).because("it knows a turn's trace context, and no turn");

    @ArchTest
    static final ArchRule devUsesOnlyItsSeam = uses(DEV,
            belongToAnyOf(LocalInkeep.class, UpstreamsConfig.class, UpstreamsConfig.UpstreamConfig.class,
                    UpstreamsConfig.Kind.class,
                    UpstreamsConfig.ExecutionMode.class))
            .because("an emulator that shares code with what it tests proves nothing");

    @ArchTest
    static final ArchRule resourcesSayWhoMayCallThem = methods().that()
            .areDeclaredInClassesThat(resideInAPackage(API)).and().areMetaAnnotatedWith(HttpMethod.class)
            .should().beAnnotatedWith(RolesAllowed.class).orShould().beDeclaredInClassesThat()
            .areAnnotatedWith(RolesAllowed.class)
            .because("a resource without a role would be open to every caller");

    @ArchTest
    static final ArchRule apiHoldsNoSql = noClasses().that().resideInAPackage(API).should().dependOnClassesThat()
            .resideInAnyPackage(PERSISTENCE).because("a rule or a query at the edge would hold for one wire only");

    @ArchTest
    static final ArchRule framesArePure = noClasses().that().implement(FrameWriter.class).should()
            .dependOnClassesThat(not(resideInAnyPackage(PROTOCOL, EVENT, "java..")))
            .because("what a protocol writes is a function of events, which a test builds with new");

    @ArchTest
    static final ArchRule theMachineKnowsNoProtocol = noClasses().that().resideInAnyPackage(MACHINE, PROTOCOL).should()
            .dependOnClassesThat(resideInAPackage(API).and(not(resideInAnyPackage(MACHINE, PROTOCOL))))
            .because("a protocol is added by a package of its own");

    @ArchTest
    static final ArchRule whatIsWrittenHasAnOrder = noClasses().that().resideInAPackage(API).should()
            .callMethodWhere(DescribedPredicate.describe("it makes a map of several entries without an order",
                    call -> call.getTargetOwner().isEquivalentTo(Map.class)
                            && Set.of("of", "ofEntries", "copyOf").contains(call.getName())
                            && call.getTarget().getRawParameterTypes().size() != 0
                            && call.getTarget().getRawParameterTypes().size() != 2))
            .because("it is iterated in another order in every process: a record and a LinkedHashMap are not");

    @ArchTest
    static final ArchRule rulesKnowNoHttp = noClasses().that().resideInAnyPackage(RULES).should().dependOnClassesThat()
            .resideInAnyPackage("jakarta.ws.rs..", "org.jboss.resteasy..", "org.eclipse.microprofile.rest..",
                    "io.quarkiverse.resteasy..", "io.vertx..")
            .because("a turn's rules hold whoever asks, over which wire, and whoever answers");

    @ArchTest
    static final ArchRule rulesKnowNoJsonTree = noClasses().that().resideInAnyPackage(RULES).should().dependOnClassesThat()
            .resideInAPackage("com.fasterxml.jackson.databind..")
            .because("what a tool said is passed on letter by letter, and no tree gives it back so");

    @ArchTest
    static final ArchRule journalReadsNoEvent = noClasses().that().resideInAnyPackage(JOURNAL, CLUSTER).should()
            .dependOnClassesThat().resideInAnyPackage("jakarta.ws.rs..", "com.fasterxml.jackson..")
            .because("events are bytes to it");

    @ArchTest
    static final ArchRule journalIsPlainJdbc = noClasses().that().resideInAnyPackage(JOURNAL, CLUSTER).should()
            .dependOnClassesThat()
            .resideInAnyPackage("jakarta.persistence..", "org.hibernate..", "io.quarkus.hibernate..", "jakarta.transaction..",
                    "io.quarkus.narayana..")
            .because("its transactions are hand-made: every statement of them counts, and JTA would own the connection");

    @ArchTest
    static final ArchRule inkeepStoresNothing = noClasses().that().resideInAPackage(INKEEP).should().dependOnClassesThat()
            .resideInAnyPackage(PERSISTENCE).because("what is durable is decided in one place, and that is the journal");

    @ArchTest
    static final ArchRule inkeepsTypesStayInside = noClasses().that().resideOutsideOfPackages(INKEEP, DEV).and()
            .doNotBelongToAnyOf(StartCheck.class).should().dependOnClassesThat().resideInAPackage(INKEEP)
            .because("the vendor is translated once, at the door; only the start looks at everyone's configuration");

    @ArchTest
    static final ArchRule nothingUsesDev = noClasses().that().resideOutsideOfPackage(DEV).should().dependOnClassesThat()
            .resideInAPackage(DEV).because("production is what is left when it is not there; it comes in as a LocalInkeep");

    @ArchTest
    static final ArchRule roomsHaveNoCycles = slices().matching(ROOT + ".(**)").should().beFreeOfCycles()
            .because("a room that needs its neighbour's neighbour is not a room");

    /** Nested classes are their outer one's. The two are what a JSON value and its writer are to each other, and an annotation and its rule. */
    @ArchTest
    static final ArchRule classesHoldNoBackReference = slices().assignedFrom(new SliceAssignment() {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass type) {
            String name = type.getName().replaceAll("\\$.*", "");
            return !name.startsWith(ROOT + ".") || name.startsWith(ROOT + ".dev.") || name.endsWith(".RawJson")
                    || name.endsWith(".Range")
                            ? SliceIdentifier.ignore()
                            : SliceIdentifier.of(name);
        }

        @Override
        public String getDescription() {
            return "classes";
        }
    }).should().beFreeOfCycles().because("who makes something passes a listener or a function, and not itself");

    @ArchTest
    static final ArchRule noStreamInATransaction = noMethods().that().haveRawReturnType(Multi.class).or()
            .haveRawReturnType(Uni.class).should().beAnnotatedWith(Transactional.class).orShould()
            .beDeclaredInClassesThat().areAnnotatedWith(Transactional.class)
            .because("an open stream holds no transaction and no connection: the method returns before anything has happened");

    @ArchTest
    static final ArchRule transactionsBelongToTheRules = methods().that().areAnnotatedWith(Transactional.class).should()
            .beDeclaredInClassesThat().resideInAnyPackage(RULES)
            .because("what becomes true together is a rule");
}
