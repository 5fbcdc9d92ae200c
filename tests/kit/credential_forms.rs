//! Ways to write secrets in text, for tests that none of them is displayed.
//!
//! `{k}` is replaced by a key that is found. `{q}` is a password in quotes, `{w}` one without blanks, `{x}` one in XML,
//! `{u}` one in an address, `{t}` a token, `{b}` base64, `{h}` hex, `{n20}` 20 letters and digits, `{U16}` the same in
//! capitals.

/// The forms, one a line each.
pub(crate) const FORMS: &[&str] = &[
    r##"<key>{k}</key><password>{x}</password>"##,
    r##"<server><id>a</id><username>u</username><password>{x}</password></server><!-- {k} -->"##,
    r##"<wsse:Password Type="PasswordText">{x}</wsse:Password> {k}"##,
    r##"<password><![CDATA[{x}]]></password> {k}"##,
    r##"<add key="Password" value="{x}"/><k v="{k}"/>"##,
    r##"<add value="{x}" key="Password"/><k v="{k}"/>"##,
    r##"<property name="connection.password">{x}</property> {k}"##,
    r##"<setting name="Password" serializeAs="String"><value>{x}</value></setting>{k}"##,
    r##"<key>password</key><string>{x}</string> {k}"##,
    r##"<string name="client_secret">{x}</string> {k}"##,
    r##"<input type="password" name="p" value="{x}"> {k}"##,
    r##"<connection user="u" password="{x}" key="{k}"/>"##,
    r##"&lt;password&gt;{x}&lt;/password&gt; {k}"##,
    r##""<password>{x}</password>" + "{k}""##,
    r##"[{"name":"DB_PASSWORD","value":"{q}"},{"name":"K","value":"{k}"}]"##,
    r##"[{"value":"{q}","name":"DB_PASSWORD"},{"name":"K","value":"{k}"}]"##,
    r##"{"Name": "DB_PASSWORD", "Value": "{q}", "k": "{k}"}"##,
    r##"- {name: DB_PASSWORD, value: "{q}"} # {k}"##,
    r##"{"key": "password", "type": "text", "value": "{q}", "k": "{k}"}"##,
    r##""{\"name\":\"DB_PASSWORD\",\"value\":\"{q}\",\"k\":\"{k}\"}""##,
    r##""{\"password\": \"{q}\", \"k\": \"{k}\"}""##,
    r##""{\\\"password\\\": \\\"{q}\\\", \\\"k\\\": \\\"{k}\\\"}""##,
    r##""{\\\\\\\"password\\\\\\\":\\\\\\\"{q}\\\\\\\",\\\\\\\"k\\\\\\\":\\\\\\\"{k}\\\\\\\"}""##,
    r##"curl -d "{\"password\":\"{q}\",\"key\":\"{k}\"}""##,
    r##"body="{\"client_secret\":\"{q}\",\"openai_key\":\"{k}\"}""##,
    r##"{""password"":""{q}"",""k"":""{k}""}"##,
    r##"{&quot;password&quot;:&quot;{q}&quot;,&quot;k&quot;:&quot;{k}&quot;}"##,
    r##"{\u0022password\u0022:\u0022{q}\u0022,\u0022k\u0022:\u0022{k}\u0022}"##,
    r##"{"password":"ab\"cd{q}","k":"{k}"}"##,
    r##"{"password":"{q}\\","k":"{k}"}"##,
    r##"{'password': 'it\'s{q}', 'k': '{k}'}"##,
    r##"password: 'it''s{q}' # {k}"##,
    r##"DB_PASSWORD={w} K={k}"##,
    r##"DB_PASSWORD=a1b2&{w} K={k}"##,
    r##"DB_PASSWORD=a1b2,{w} K={k}"##,
    r##"DB_PASSWORD=a1b2'{w} K={k}"##,
    r##"DB_PASSWORD=a1b2"{w} K={k}"##,
    r##"DB_PASSWORD=a1b2)({w} K={k}"##,
    r##"DB_PASSWORD=a1b2(]{w} K={k}"##,
    r##"DB_PASSWORD=$1a{w} K={k}"##,
    r##"DB_PASSWORD=*a1{w} K={k}"##,
    r##"DB_PASSWORD=<a1{w} K={k}"##,
    r##"DB_PASSWORD=%a1{w} K={k}"##,
    r##"DB_PASSWORD=a b {w} K={k}"##,
    r##"export CLIENT_SECRET={w} # {k}"##,
    r##"K={k} DB_PASSWORD={w}"##,
    r##"db.password={w} k={k}"##,
    r##"spring.datasource.password: {w} # {k}"##,
    r##"password: {w} # {k}"##,
    r##"curl -u admin:{w} -H "Authorization: Bearer {k}""##,
    r##"curl -u "admin:{q}" -H "Authorization: Bearer {k}""##,
    r##"curl --user admin:{w} https://x -H "Authorization: Bearer {k}""##,
    r##"curl --proxy-user admin:{w} {k}"##,
    r##"sshpass -p {w} ssh h OPENAI_API_KEY={k}"##,
    r##"sshpass -p'{q}' ssh h OPENAI_API_KEY={k}"##,
    r##"mysql -uroot -p{w} # {k}"##,
    r##"mysql -u root -p"{q}" db # {k}"##,
    r##"docker login -u u -p {w} r.example # {k}"##,
    r##"redis-cli -h x -a {w} # {k}"##,
    r##"["mysql", "-p", "{q}", "{k}"]"##,
    r##"tool --password {w} --key {k}"##,
    r##"tool --password={w} --key {k}"##,
    r##"tool --password "{q}" --key {k}"##,
    r##"tool --api-token '{q}' --key {k}"##,
    r##"Connect -Password {w} -Key {k}"##,
    r##"echo {w} | sudo -S ls # {k}"##,
    r##"echo "{q}" | docker login --password-stdin # {k}"##,
    r##"machine api.openai.com login u password {w} # {k}"##,
    r##"ds.setPassword("{q}"); ai.setKey("{k}");"##,
    r##"define('DB_PASSWORD', '{q}'); define('K','{k}');"##,
    r##"const dbPassword: string = '{q}'; const k='{k}'"##,
    r##"var dbPassword string = "{q}" // {k}"##,
    r##"let password: &str = "{q}"; // {k}"##,
    r##"let token: Option<&'static str> = Some("{q}"); // {k}"##,
    r##"val password: String? = "{q}" // {k}"##,
    r##"Dim password As String = "{q}" ' {k}"##,
    r##"char password[32] = "{q}"; // {k}"##,
    r##"$config['password'] = '{q}'; // {k}"##,
    r##"private static final String PASSWORD = "{q}"; // {k}"##,
    r##"password := "{q}" // {k}"##,
    r##"password => "{q}", k => "{k}""##,
    r##":password => '{q}', :k => '{k}'"##,
    r##"os.environ["DB_PASSWORD"] = "{q}" # {k}"##,
    r##"x = os.environ.get("DB_PASSWORD", "{q}") # {k}"##,
    r##"x = os.environ.get("DB_PASSWORD") or "{q}" # {k}"##,
    r##"password = process.env.DB_PASSWORD || '{q}' // {k}"##,
    r##"password = getenv("DB_PASSWORD") ?: "{q}" // {k}"##,
    r##""credentials":["u","{q}"], "{k}""##,
    r##"credentials: [u, {w}] # {k}"##,
    r##"auth=("user", "{q}"), key="{k}""##,
    r##"login("user", "{q}", "{k}")"##,
    r##"new NetworkCredential("user", "{q}"); // {k}"##,
    r##""auth": {"user": "u", "x": "{q}"}, "k": "{k}""##,
    r##"password = "abc" + "{q}" + "{k}""##,
    r##"password = b"{q}" # {k}"##,
    r##"password = SecretStr("{q}") # {k}"##,
    r##"password = String::from("{q}") // {k}"##,
    r##"password = """{q}""" # {k}"##,
    r##"ALTER USER u IDENTIFIED BY '{q}'; -- {k}"##,
    r##"CREATE USER u WITH PASSWORD '{q}'; -- {k}"##,
    r##"Authorization: Basic {b} X: {k}"##,
    r##"-H "Authorization: token {t}" -H "K: {k}""##,
    r##"-H "Authorization: Weird {t}" -H "K: {k}""##,
    r##"{"Authorization": "AWS4-HMAC-SHA256 Credential={t}/x, Signature={t}", "k": "{k}"}"##,
    r##"Authorization: Digest username="u", response="{t}" {k}"##,
    r##"Cookie: session={t}; b={t} # {k}"##,
    r##"X-Api-Key: {t} # {k}"##,
    r##"https://user:{u}@host.example/x?k={k}"##,
    r##"https://user:a/b{u}@host.example/x {k}"##,
    r##"https://user:a#b{u}@host.example/x {k}"##,
    r##"https://user:a@b{u}@host.example/x {k}"##,
    r##"https://{t}@host.example/x {k}"##,
    r##"root:{u}@tcp(127.0.0.1:3306)/db {k}"##,
    r##"jdbc:oracle:thin:scott/{u}@//h:1521/x {k}"##,
    r##"https://h.example/x?a=b&token={t}&c=d {k}"##,
    r##"https://h.example/x?sig={t}&c=d {k}"##,
    r##"https://h.example/x?access_token={t}#x {k}"##,
    r##"Server=x;Database=y;Pwd={t};User=z {k}"##,
    r##"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={b};EndpointSuffix=y {k}"##,
    r##"Endpoint=sb://x/;SharedAccessKeyName=R;SharedAccessKey={b} {k}"##,
    r##"connectionString="Server=x;Password={t};" {k}"##,
    r##"-----BEGIN PRIVATE KEY-----\n{b}\n-----END PRIVATE KEY----- {k}"##,
    r##"-----BEGIN PGP PRIVATE KEY BLOCK----- {b} -----END {k}"##,
    r##"ghp_{n36} {k}"##,
    r##"glpat-{n20} {k}"##,
    r##"xoxb-{n36} {k}"##,
    r##"AKIA{U16} {k}"##,
    r##"AIza{n35} {k}"##,
    r##"hf_{n34} {k}"##,
    r##"r8_{n37} {k}"##,
    r##"sk-ant-api03-{n36} {k}"##,
    r##"gsk_{n36} {k}"##,
    r##"eyJ{n17}.eyJ{n36}.{n43} {k}"##,
    r##"shared_key={h} K={k}"##,
    r##"previous: {h}, openai: {k}"##,
    r##"{k} HMAC_SHA256_KEY={h}"##,
    r##"hash_key: "{h}", k: "{k}""##,
    r##"review_app_key={h} K={k}"##,
    r##"object_store_key={h} K={k}"##,
    r##"the password is {t} for {k}"##,
    r##"Password : {w} {k}"##,
    r##"PASSWORD '{q}' {k}"##,
    r##"ENV DB_PASSWORD {w} # {k}"##,
    r##"setx DB_PASSWORD "{q}" {k}"##,
    r##"ConvertTo-SecureString "{q}" -AsPlainText # {k}"##,
    r##"sqlcmd -U sa -P {w} # {k}"##,
    r##"net use \\h\s /user:u {w} # {k}"##,
    r##"smbclient -U user%{w} //h/s # {k}"##,
    r##"openssl enc -pass pass:{w} # {k}"##,
    r##"page.fill('#password', '{q}') // {k}"##,
    r##"$("#password").val("{q}") // {k}"##,
    r##"By.id("password")).sendKeys("{q}") // {k}"##,
    r##"secret: !!str {w} # {k}"##,
    r##"API_TOKEN: "{q}" # {k}"##,
    r##"%22password%22%3A%22{n36}%22 {k}"##,
];

/// A form with secrets filled in.
#[derive(Clone, Debug)]
pub(crate) struct Filled {
    pub(crate) form: &'static str,
    pub(crate) text: String,
    pub(crate) secrets: Vec<String>,
}

impl Filled {
    /// A piece of a secret of six characters, not part of the form, that `shown` contains.
    pub(crate) fn piece_in(&self, shown: &str) -> Option<String> {
        let pieces = self.secrets.iter().flat_map(|secret| secret.as_bytes().windows(PIECE));
        pieces
            .map(|piece| String::from_utf8_lossy(piece).into_owned())
            .find(|piece| shown.contains(piece) && !self.form.contains(piece))
    }
}

/// Characters of a secret in a row that nothing may show.
const PIECE: usize = 6;

/// Every form with random secrets and `key` in place of `{k}`; they differ for each seed.
pub(crate) fn fill(seed: u64, key: &str) -> Vec<Filled> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    FORMS.iter().map(|form| filled(form, &mut random, key)).collect()
}

fn filled(form: &'static str, random: &mut Random, key: &str) -> Filled {
    let (mut text, mut secrets, mut rest) = (String::new(), Vec::new(), form);
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        let name = rest[at + 1..].split('}').next().unwrap_or_default();
        match secret(name, random) {
            Some(secret) => {
                text.push_str(&secret);
                secrets.push(secret);
                rest = &rest[at + name.len() + 2..];
            }
            None if name == "k" => {
                text.push_str(key);
                rest = &rest[at + 3..];
            }
            None => {
                text.push('{');
                rest = &rest[at + 1..];
            }
        }
    }
    text.push_str(rest);
    Filled { form, text, secrets }
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";

/// The secret for a placeholder.
fn secret(name: &str, random: &mut Random) -> Option<String> {
    let base62 = [LETTERS, CAPITALS, DIGITS].concat();
    let length = 9 + random.below(16);
    let any = |signs: &str, random: &mut Random| {
        let alphabet = match random.below(4) {
            0 => LETTERS.to_owned(),
            1 => base62.clone(),
            _ => [&base62, signs].concat(),
        };
        format!("x{}z", random.text(&alphabet, length).trim())
    };
    Some(match name {
        "q" => any("!@#$%^&*()-_=+[]{};:,.<>/?|~ ", random),
        "w" => any("!@#$%^&*()-_=+[]{};:,.<>/?|~", random),
        "x" => any("!@#$%^*()-_=+[]{};:,./?|~", random),
        "u" => any("!$%^*()-_=+[];,.|~", random),
        "t" => format!("x{}1", random.text(&[&base62, "-_"].concat(), length + 4)),
        "b" => random.text(&[&base62, "+/"].concat(), 44),
        "h" => random.text("0123456789abcdef", 32),
        _ => {
            let length = name.get(1..)?.parse().ok()?;
            match &name[..1] {
                "n" => random.text(&base62, length),
                "U" => random.text(&[CAPITALS, "234567"].concat(), length),
                _ => return None,
            }
        }
    })
}

/// Xorshift: the same secrets for the same seed, everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % limit as u64).unwrap_or_default()
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..length).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }
}
