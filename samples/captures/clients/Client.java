// Client NAME ADDRESS [NAME ADDRESS]...: one HTTPS request to each with Java's SSLSocket.
import java.net.*; import java.security.cert.X509Certificate; import javax.net.ssl.*;

public class Client {
  public static void main(String[] arguments) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] { new X509TrustManager() {
      public void checkClientTrusted(X509Certificate[] chain, String type) {}
      public void checkServerTrusted(X509Certificate[] chain, String type) {}
      public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    } }, null);
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      InetAddress address = InetAddress.getByAddress(arguments[i], InetAddress.getByName(arguments[i + 1]).getAddress());
      try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(address, 8443)) {
        socket.setSoTimeout(5000);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setServerNames(java.util.List.of(new SNIHostName(arguments[i])));
        socket.setSSLParameters(parameters);
        socket.getOutputStream().write("GET / HTTP/1.0\r\nHost: lab.test\r\n\r\n".getBytes());
        socket.getInputStream().readAllBytes();
      }
    }
  }
}
