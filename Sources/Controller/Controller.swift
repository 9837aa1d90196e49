import Hummingbird
import X509
import Crypto
