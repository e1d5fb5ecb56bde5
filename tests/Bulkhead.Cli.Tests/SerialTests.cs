using System.Net.Sockets;
using System.Text;
using Bulkhead.Cli.Machines;
using Bulkhead.Host;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class SerialTests : IDisposable
{
    private const int KeptBytes = 64 << 10;
    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-serial").FullName;

    private string Place => Path.Combine(_folder, "s");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void File_Output_IsThereAtTheEnd()
    {
        File.WriteAllText(Place, "of an earlier run, longer");
        using ISerialEnd serial = new SerialTarget(SerialKind.File, Place).Open(Stream.Null);

        serial.Write("hel"u8);
        serial.Write("lo"u8);
        serial.Close();

        using var reader = new StreamReader(new FileStream(Place, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        Assert.Equal("hello", reader.ReadToEnd());
    }

    [Fact]
    public void None_Output_Vanishes()
    {
        using ISerialEnd serial = new SerialTarget(SerialKind.None, string.Empty).Open(Stream.Null);

        serial.Write("hello"u8);

        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Unix_OutputBeforeTheClient_IsKeptForIt()
    {
        using SocketSerial serial = SocketSerial.Listen(Place);
        serial.Write("early "u8);
        using Socket client = Connect();
        Assert.Equal("early ", Read(client, 6));

        serial.Write("late"u8);

        Assert.Equal("late", Read(client, 4));
    }

    [Fact]
    public void Unix_TooMuchOutput_LosesTheOldest()
    {
        using SocketSerial serial = SocketSerial.Listen(Place);
        serial.Write("lost"u8);
        serial.Write("kept"u8);
        serial.Write(new byte[KeptBytes - 4]);

        using Socket client = Connect();

        Assert.Equal("kept" + new string('\0', KeptBytes - 4), Read(client, KeptBytes));
    }

    [Fact]
    public void Unix_ClientThatReadsNothing_NeverHoldsUpTheGuest()
    {
        using SocketSerial serial = SocketSerial.Listen(Place);
        using Socket client = Connect();
        for (int i = 0; i < 1024; i++)
        {
            serial.Write(new byte[4096]);
        }

        serial.Write("end"u8);

        Assert.EndsWith("end", ReadUntil(client, "end"), StringComparison.Ordinal);
    }

    [Fact]
    public void Unix_ClientLeaves_TheNextOneGoesOn()
    {
        using SocketSerial serial = SocketSerial.Listen(Place);
        serial.Write("one"u8);
        using (Socket first = Connect())
        {
            Assert.Equal("one", Read(first, 3));
        }

        serial.Write("two"u8);
        using Socket second = Connect();

        Assert.Equal("two", Read(second, 3));
    }

    [Fact]
    public void Unix_TwoClients_AreHeardOneAfterTheOther()
    {
        using var heard = new HeardInput(expected: 6);
        using SocketSerial serial = SocketSerial.Listen(Place);
        serial.Attach(heard.Take);
        using Socket first = Connect();
        serial.Write("!"u8);
        Assert.Equal("!", Read(first, 1));
        using Socket second = Connect();

        _ = second.Send("two"u8);
        _ = first.Send("one"u8);
        first.Dispose();

        Assert.Equal("onetwo", heard.Text());
    }

    [Fact]
    public void Unix_GuestThatTakesLittle_GetsTheRestWhenItHasRoom()
    {
        using var heard = new HeardInput(expected: 5, atOnce: 2);
        using SocketSerial serial = SocketSerial.Listen(Place);
        serial.Attach(heard.Take);
        using Socket client = Connect();
        _ = client.Send("hello"u8);
        heard.AwaitRefusal();

        heard.TakeAll();
        serial.Offer();

        Assert.Equal("hello", heard.Text());
    }

    [Fact]
    public void Unix_End_SendsTheLastWordsAndRemovesTheSocket()
    {
        SocketSerial serial = SocketSerial.Listen(Place);
        using Socket client = Connect();
        serial.Write("up"u8);
        Assert.Equal("up", Read(client, 2));
        serial.Write("power down"u8);

        serial.Dispose();

        Assert.Equal("power down", ReadUntil(client, "no such words"));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Unix_ClientThatComesAtTheEnd_DoesNotHoldItUp()
    {
        for (int i = 0; i < 200; i++)
        {
            SocketSerial serial = SocketSerial.Listen(Place);
            using Socket client = Connect();
            serial.Dispose();
        }

        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Unix_SocketLeftBehind_IsReplaced()
    {
        using (var old = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            old.Bind(new UnixDomainSocketEndPoint(Place));
            old.Listen();
            File.Move(Place, Place + "2");
        }

        File.Move(Place + "2", Place);
        using SocketSerial serial = SocketSerial.Listen(Place);
        using Socket client = Connect();
        serial.Write("new"u8);

        Assert.Equal("new", Read(client, 3));
    }

    [Fact]
    public void Unix_SocketInUse_SaysSo()
    {
        using SocketSerial serial = SocketSerial.Listen(Place);

        AssertRefused(new SerialTarget(SerialKind.Unix, Place), "somebody listens there already");
    }

    [Fact]
    public void Unix_OrdinaryFile_IsLeftAlone()
    {
        File.WriteAllText(Place, "precious");

        AssertRefused(new SerialTarget(SerialKind.Unix, Place), "there is a file of that name");
        Assert.Equal("precious", File.ReadAllText(Place));
    }

    [Theory]
    [InlineData("file:")]
    [InlineData("unix:")]
    public void Open_NoFolder_NamesOptionValueAndFix(string kind)
    {
        string text = kind + Path.Combine(_folder, "missing", "s");
        Assert.True(SerialTarget.TryParse(text, out SerialTarget target));

        AssertRefused(target, $"--serial {text}: ");
    }

    [Fact]
    public void Open_PathTooLong_SaysHowLong() =>
        AssertRefused(new SerialTarget(SerialKind.Unix, Path.Combine(_folder, new string('s', 120))), "at most 107 bytes");

    private static void AssertRefused(SerialTarget target, string words)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => target.Open(Stream.Null).Dispose());
        Assert.Equal(2, e.ExitCode);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }

    private Socket Connect()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(Place));
        return client;
    }

    private static string Read(Socket client, int count)
    {
        byte[] bytes = new byte[count];
        int have = 0;
        while (have < count && client.Receive(bytes.AsSpan(have)) is > 0 and int more)
        {
            have += more;
        }

        return Encoding.UTF8.GetString(bytes, 0, have);
    }

    private static string ReadUntil(Socket client, string end)
    {
        var text = new StringBuilder();
        byte[] chunk = new byte[4096];
        while (!text.ToString(Math.Max(text.Length - end.Length, 0), Math.Min(end.Length, text.Length)).Equals(end, StringComparison.Ordinal)
            && client.Receive(chunk) is > 0 and int count)
        {
            _ = text.Append(Encoding.UTF8.GetString(chunk, 0, count));
        }

        return text.ToString();
    }
}
