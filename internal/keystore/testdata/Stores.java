import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.util.*;
import javax.crypto.Cipher;
import javax.net.ssl.*;

/** Opens stores as the products do: java Stores.java folder password, then any number of: server client name. */
public class Stores {
    static KeyStore load(String folder, String file, String type, char[] password) throws Exception {
        KeyStore store = KeyStore.getInstance(type);
        try (InputStream in = Files.newInputStream(Path.of(folder, file))) {
            store.load(in, password);
        }
        return store;
    }

    static KeyStore of(String side, String folder, String stem, char[] password) throws Exception {
        return side.equals("apim") ? load(folder, stem + ".jks", "JKS", password) : load(folder, stem + ".p12", "PKCS12", password);
    }

    public static void main(String[] args) throws Exception {
        char[] password = args[1].toCharArray();
        for (int i = 2; i < args.length; i += 3) {
            encrypt(of(args[i], args[0], "internal", password));
            sign(of(args[i], args[0], "primary", password), password);
            handshake(of(args[i], args[0], "tls", password), of(args[i + 1], args[0], "client-truststore", password), password, args[i + 2]);
            System.out.println(args[i] + " " + args[i + 1] + " " + args[i + 2]);
        }
    }

    static void encrypt(KeyStore internal) throws Exception {
        Cipher cipher = Cipher.getInstance("RSA/ECB/OAEPwithSHA1andMGF1Padding");
        cipher.init(Cipher.ENCRYPT_MODE, internal.getCertificate("wso2carbon"));
        cipher.doFinal("secret".getBytes());
    }

    static void sign(KeyStore primary, char[] password) throws Exception {
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign((PrivateKey) primary.getKey("wso2carbon", password));
        signature.update(new byte[8]);
        signature.sign();
    }

    static void handshake(KeyStore key, KeyStore trust, char[] password, String name) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(key, password);
        SSLContext server = SSLContext.getInstance("TLS");
        server.init(keys.getKeyManagers(), null, null);
        TrustManagerFactory trusts = TrustManagerFactory.getInstance("PKIX");
        trusts.init(trust);
        SSLContext client = SSLContext.getInstance("TLS");
        client.init(null, trusts.getTrustManagers(), null);

        SSLServerSocket listener = (SSLServerSocket) server.getServerSocketFactory().createServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress());
        Thread serve = new Thread(() -> {
            try (SSLSocket s = (SSLSocket) listener.accept()) {
                s.getOutputStream().write(1);
            } catch (IOException e) {
                e.printStackTrace();
            }
        });
        serve.start();
        java.net.Socket plain = new java.net.Socket(java.net.InetAddress.getLoopbackAddress(), listener.getLocalPort());
        try (SSLSocket s = (SSLSocket) client.getSocketFactory().createSocket(plain, name, listener.getLocalPort(), true)) {
            SSLParameters parameters = s.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            s.setSSLParameters(parameters);
            if (s.getInputStream().read() != 1) {
                throw new IOException("nothing came");
            }
        }
        serve.join();
    }
}
