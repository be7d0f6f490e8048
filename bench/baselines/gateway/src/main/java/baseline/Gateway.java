package baseline;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Spring Cloud Gateway with the one route of application.yaml. */
@SpringBootApplication
public class Gateway {

    public static void main(String... args) {
        SpringApplication.run(Gateway.class, args);
    }
}
