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

import jakarta.transaction.Transactional;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import io.chatrelay.inkeep.LocalInkeep;
import io.chatrelay.inkeep.UpstreamsConfig;
import io.chatrelay.journal.Entry;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;

/** The rooms of the house, and who may enter which. */
@AnalyzeClasses(packages = "io.chatrelay", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    private static final String API = "io.chatrelay.api..";
    private static final String WIRE = "io.chatrelay.api.wire..";
    private static final String CHAT = "io.chatrelay.chat..";
    private static final String JOURNAL = "io.chatrelay.journal..";
    private static final String INKEEP = "io.chatrelay.inkeep..";
    private static final String ACCESS = "io.chatrelay.access..";
    private static final String DEVMODE = "io.chatrelay.devmode..";
    private static final String[] PERSISTENCE = { "jakarta.persistence..", "org.hibernate..", "io.quarkus.hibernate..",
            "java.sql..", "javax.sql..", "org.postgresql..", "jakarta.transaction..", "io.quarkus.narayana.." };

    @ArchTest
    static final ArchRule apiKnowsNoUpstream = noClasses().that().resideInAPackage(API).should().dependOnClassesThat()
            .resideInAnyPackage(INKEEP, DEVMODE)
            .because("the edge speaks to conversations; which Inkeep answers, and how it speaks, is not its business");

    @ArchTest
    static final ArchRule apiReadsTheJournalThroughChat = noClasses().that().resideInAPackage(API).should()
            .dependOnClassesThat(resideInAPackage(JOURNAL).and(not(belongToAnyOf(Entry.class))))
            .because("who may read which turn is chat's rule; the edge is only handed numbered entries");

    @ArchTest
    static final ArchRule apiHoldsNoSql = noClasses().that().resideInAPackage(API).should().dependOnClassesThat()
            .resideInAnyPackage(PERSISTENCE).because("a rule or a query at the edge would hold for one wire only");

    @ArchTest
    static final ArchRule wiresArePure = noClasses().that().resideInAPackage(WIRE).should().dependOnClassesThat()
            .resideOutsideOfPackages(WIRE, CHAT, "java..")
            .because("a wire is a function of events, which a test builds with new");

    @ArchTest
    static final ArchRule whatIsWrittenHasAnOrder = noClasses().that().resideInAPackage(API).should()
            .callMethodWhere(DescribedPredicate.describe("it makes a map of several entries without an order",
                    call -> call.getTargetOwner().isEquivalentTo(Map.class)
                            && Set.of("of", "ofEntries", "copyOf").contains(call.getName())
                            && call.getTarget().getRawParameterTypes().size() != 0
                            && call.getTarget().getRawParameterTypes().size() != 2))
            .because("it is iterated in another order in every process: a record and a LinkedHashMap are not");

    @ArchTest
    static final ArchRule chatKnowsNoHttp = noClasses().that().resideInAPackage(CHAT).should().dependOnClassesThat()
            .resideInAnyPackage(API, INKEEP, DEVMODE, ACCESS, "jakarta.ws.rs..", "org.jboss.resteasy..",
                    "org.eclipse.microprofile.rest..", "io.quarkiverse.resteasy..", "io.vertx..")
            .because("a conversation's rules hold whoever asks, over which wire, and whoever answers");

    @ArchTest
    static final ArchRule chatKnowsNoJsonTree = noClasses().that().resideInAPackage(CHAT).should().dependOnClassesThat()
            .resideInAPackage("com.fasterxml.jackson.databind..")
            .because("what a tool said is passed on letter by letter, and no tree gives it back so");

    @ArchTest
    static final ArchRule journalKnowsNothingOfChat = noClasses().that().resideInAPackage(JOURNAL).should()
            .dependOnClassesThat()
            .resideInAnyPackage(CHAT, API, INKEEP, ACCESS, DEVMODE, "jakarta.ws.rs..", "com.fasterxml.jackson..")
            .because("it keeps turns and events, whatever they mean: a rider brings what must become true with them");

    @ArchTest
    static final ArchRule journalIsPlainJdbc = noClasses().that().resideInAPackage(JOURNAL).should().dependOnClassesThat()
            .resideInAnyPackage("jakarta.persistence..", "org.hibernate..", "io.quarkus.hibernate..", "jakarta.transaction..",
                    "io.quarkus.narayana..")
            .because("its transactions are hand-made: every statement of them counts, and JTA would own the connection");

    @ArchTest
    static final ArchRule inkeepKnowsOnlyChatsPort = noClasses().that().resideInAPackage(INKEEP).should().dependOnClassesThat()
            .resideInAnyPackage(API, JOURNAL, ACCESS, DEVMODE, "jakarta.ws.rs..")
            .because("an upstream turns a question into events, and knows neither who asked nor what becomes of them");

    @ArchTest
    static final ArchRule inkeepStoresNothing = noClasses().that().resideInAPackage(INKEEP).should().dependOnClassesThat()
            .resideInAnyPackage(PERSISTENCE).because("what is durable is decided in one place, and that is the journal");

    @ArchTest
    static final ArchRule inkeepsTypesStayInside = noClasses().that().resideOutsideOfPackages(INKEEP, DEVMODE).and()
            .doNotBelongToAnyOf(StartCheck.class).should().dependOnClassesThat().resideInAPackage(INKEEP)
            .because("the vendor is translated once, at the door; only the start looks at everyone's configuration");

    @ArchTest
    static final ArchRule accessStandsAlone = noClasses().that().resideInAPackage(ACCESS).should().dependOnClassesThat()
            .resideInAnyPackage(API, CHAT, JOURNAL, INKEEP, DEVMODE)
            .because("who is calling is known before anything is asked");

    @ArchTest
    static final ArchRule nobodyUsesDevmode = noClasses().that().resideOutsideOfPackage(DEVMODE).should().dependOnClassesThat()
            .resideInAPackage(DEVMODE).because("production is what is left when it is not there; it comes in as a LocalInkeep");

    @ArchTest
    static final ArchRule devmodeUsesOnlyItsSeam = noClasses().that().resideInAPackage(DEVMODE).should()
            .dependOnClassesThat(resideInAnyPackage(API, CHAT, JOURNAL, ACCESS, INKEEP)
                    .and(not(belongToAnyOf(LocalInkeep.class, UpstreamsConfig.class, UpstreamsConfig.UpstreamConfig.class,
                            UpstreamsConfig.Kind.class, UpstreamsConfig.ExecutionMode.class))))
            .because("an emulator that shares code with what it tests proves nothing");

    @ArchTest
    static final ArchRule roomsHaveNoCycles = slices().matching("io.chatrelay.(*)..").should().beFreeOfCycles()
            .because("a room that needs its neighbour's neighbour is not a room");

    @ArchTest
    static final ArchRule wiresDoNotLookBack = noClasses().that().resideInAPackage(WIRE).should().dependOnClassesThat()
            .resideInAPackage("io.chatrelay.api").because("the edge uses its wires, not they it");

    @ArchTest
    static final ArchRule noStreamInATransaction = noMethods().that().haveRawReturnType(Multi.class).or()
            .haveRawReturnType(Uni.class).should().beAnnotatedWith(Transactional.class).orShould()
            .beDeclaredInClassesThat().areAnnotatedWith(Transactional.class)
            .because("an open stream holds no transaction and no connection: the method returns before anything has happened");

    @ArchTest
    static final ArchRule transactionsAreChats = methods().that().areAnnotatedWith(Transactional.class).should()
            .beDeclaredInClassesThat().resideInAPackage(CHAT)
            .because("what becomes true together is a rule");
}
